/**
 * @module
 * What the store's one revision says about a history, over all keys at once: it never goes back between an answer and
 * an operation that began after it, each write raises it, and each value has one.
 */

import type { Recorded } from "./json-lines.ts";

/** A sentence for each breach. Operations without a revision are passed over. */
export function revisionBreaches(recorded: readonly Recorded[]): readonly string[] {
  const answered = recorded.filter(({ outcome, revision }) => outcome === "ok" && revision !== undefined);
  return [...backward(answered), ...ambiguous(answered)];
}

/** What was answered before an operation began is the least that it may be answered at. */
function backward(answered: readonly Recorded[]): readonly string[] {
  const breaches: string[] = [];
  const byEnd = [...answered].sort((a, b) => endOf(a) - endOf(b));
  let ended = 0;
  let floor = 0;
  for (const operation of [...answered].sort((a, b) => a.from - b.from)) {
    for (let next = byEnd[ended]; next !== undefined && endOf(next) < operation.from; next = byEnd[ended]) {
      floor = Math.max(floor, next.revision ?? 0);
      ended += 1;
    }
    const revision = operation.revision ?? 0;
    if (revision < floor || (isWrite(operation) && (operation.modRevision ?? revision) <= floor)) {
      breaches.push(`${nameOf(operation)} is at revision ${revision}, after ${floor} was answered`);
    }
  }
  return breaches;
}

/** Every value is written once, so whoever sees it sees the same revision with it. */
function ambiguous(answered: readonly Recorded[]): readonly string[] {
  const breaches: string[] = [];
  const known = new Map<string, number>();
  for (const operation of answered) {
    const { key, value, modRevision } = operation;
    if (modRevision === undefined || value === undefined || value === null || operation.answer === false) continue;
    const name = `${key} ${value}`;
    const first = known.get(name) ?? modRevision;
    known.set(name, first);
    if (first !== modRevision)
      breaches.push(`${nameOf(operation)} gives the value revision ${modRevision}, others ${first}`);
  }
  return breaches;
}

function isWrite(operation: Recorded): boolean {
  return operation.do === "put" || (operation.do !== "get" && operation.answer === true);
}

function endOf({ to }: Recorded): number {
  return to ?? Number.POSITIVE_INFINITY;
}

function nameOf(operation: Recorded): string {
  return `${operation.do} of ${operation.key} by ${operation.process} on ${operation.node ?? "some node"}`;
}
