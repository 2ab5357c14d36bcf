/**
 * @module
 * The verdict over a history in words, and for one that is not linearizable, which operations contradict each other.
 */

import { formatCount, renderTable } from "../table.ts";
import type { Report, Violation } from "./check.ts";
import { describeAction, isUnknown, type Operation } from "./operation.ts";

const optionalShownMax = 8;

/** Lines for a terminal, the last one ended. */
export function explain(report: Report): string {
  const unknown = `${formatCount(report.unknown)} of unknown outcome`;
  const size = `${formatCount(report.operations)} operations (${unknown}) on ${formatCount(report.keys)} keys`;
  const first = `${report.verdict}: ${size}, ${formatCount(report.configurations)} configurations met\n`;
  if (report.violation !== null) return first + explainViolation(report.violation);
  const undecided = report.undecidedKeys.map(
    (key) => `  key ${JSON.stringify(key)} needs a larger budget than it was given\n`,
  );
  return first + undecided.join("");
}

export function explainViolation({ key, stretch }: Violation): string {
  const { operations, optional, fromBeginning, longestOrder } = stretch;
  const origin = Math.min(...operations.map(({ from }) => from));
  const before = fromBeginning ? "" : ", whatever the key held before them";
  const lines = [`  key ${JSON.stringify(key)}: these ${operations.length} cannot all be true${before}:\n`];
  lines.push(renderTable([header, ...operations.map((operation) => rowOf(operation, origin))]));
  const ordered = longestOrder.map(({ action }) => describeAction(action)).join(", then ");
  const stuck = operations.filter((operation) => !longestOrder.includes(operation));
  if (ordered !== "") lines.push(`  in order can be put: ${ordered}\n`);
  lines.push(`  after that none of these fits: ${stuck.map(({ action }) => describeAction(action)).join("; ")}\n`);
  if (optional.length > 0) lines.push(optionalLine(optional));
  return lines.join("");
}

const header = ["line", "process", "from", "to", "operation"] as const;

/** Times count from the first of the stretch. */
function rowOf(operation: Operation, origin: number): readonly string[] {
  const { line, process, from, to, action } = operation;
  const end = isUnknown(operation) ? "unknown" : `+${shortened(to - origin)}`;
  return [line === 0 ? "" : String(line), process, `+${shortened(from - origin)}`, end, describeAction(action)];
}

function optionalLine(optional: readonly Operation[]): string {
  const shown = optional.slice(0, optionalShownMax).map(({ action }) => describeAction(action));
  const more = optional.length - shown.length;
  const rest = more > 0 ? `, and ${more} more` : "";
  return `  others may have taken effect among them, and do not help: ${shown.join(", ")}${rest}\n`;
}

function shortened(time: number): string {
  return Number.isInteger(time) ? String(time) : time.toFixed(3);
}
