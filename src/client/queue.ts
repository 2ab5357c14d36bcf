/**
 * @module
 * Waiting in line: whoever came first holds the place, and each waits for the one before it alone.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { BalsaClient } from "./balsa-client.ts";
import { type KeyLike, textOf } from "./bytes.ts";
import type { HeldLease } from "./held-lease.ts";
import type { KeyHead } from "./item.ts";
import type { Compare } from "./transaction.ts";

export interface QueueOptions {
  /** How long the place is kept for a holder that is gone: 1 s to a year. Default 10 s. */
  readonly ttlMs?: number | undefined;
  /** Ends the waiting, which then throws the signal's reason; what is held already it does not touch. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait in line, at most; then `TIMEOUT`. No bound by default, 0 takes a free place or none. */
  readonly waitMs?: number | undefined;
}

/** A place in a line, with the lease that keeps it. */
export interface Place {
  readonly key: string;
  /** The revision of the place's own key: whoever comes later has a higher one. */
  readonly fence: number;
  readonly lease: HeldLease;
}

const ttlMsDefault = 10_000;

/** The key below which all that wait for `name` stand; the name is escaped, so that none is the prefix of another. */
export function lineOf(kind: "lock" | "election", name: string): string {
  if (name === "") throw new RangeError(`a ${kind} needs a name`);
  return `balsa/${kind}/${encodeURIComponent(name)}/`;
}

/** That the place is still held, as a compare of a transaction. */
export function heldCompare({ key, fence }: Pick<Place, "key" | "fence">): Compare {
  return { key, target: "createRevision", op: "=", operand: fence };
}

/** Resolves when this is the first place in line. The place is given back when it throws. */
export async function standInLine(
  client: BalsaClient,
  line: string,
  value: KeyLike,
  options: QueueOptions,
): Promise<Place> {
  const untilMs = performance.now() + (options.waitMs ?? Number.POSITIVE_INFINITY);
  const lease = await client.leases.hold(options.ttlMs ?? ttlMsDefault, { signal: options.signal });
  const key = `${line}${lease.id}`;
  const given = options.signal === undefined ? [] : [options.signal];
  try {
    const signal = AbortSignal.any([lease.lost, ...given]);
    const { modRevision } = await client.put(key, value, { condition: "absent", lease: lease.id, signal });
    const place = { key, fence: modRevision, lease };
    for (;;) {
      const { revision, before } = await lookAhead(client, line, place, signal);
      if (before === undefined) return place;
      await untilGone(client, before, { since: revision, untilMs, signal });
    }
  } catch (cause) {
    await lease.release();
    throw cause;
  }
}

/** Who stands right before, as of a revision; throws when this place itself is gone. */
async function lookAhead(
  client: BalsaClient,
  line: string,
  { key, fence, lease }: Place,
  signal: AbortSignal,
): Promise<{ readonly revision: number; readonly before: KeyHead | undefined }> {
  let before: KeyHead | undefined;
  let own = false;
  let page = await client.keysPage({ prefix: line }, { signal });
  const { revision } = page;
  for (;;) {
    for (const head of page.items) {
      if (head.createRevision === fence) own = true;
      if (head.createRevision < fence && head.createRevision > (before?.createRevision ?? 0)) before = head;
    }
    if (page.cursor === undefined) break;
    page = await client.keysPage({ prefix: line }, { cursor: page.cursor, signal });
  }
  if (own) return { revision, before };
  throw new BalsaError("LEASE_NOT_FOUND", `the place ${key} is gone, and so is lease ${lease.id}`);
}

interface Waiting {
  readonly since: number;
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

async function untilGone(client: BalsaClient, { key }: KeyHead, { since, untilMs, signal }: Waiting): Promise<void> {
  const leftMs = untilMs - performance.now();
  if (leftMs <= 0) throw new BalsaError("TIMEOUT", `${textOf(key)} is still before this one`, "not-applied");
  const bound = Number.isFinite(leftMs) ? [AbortSignal.timeout(Math.ceil(leftMs))] : [];
  const wait = AbortSignal.any([signal, ...bound]);
  try {
    for await (const change of client.watch({ key }, { since, signal: wait })) if (change.kind === "delete") return;
  } catch (cause) {
    signal.throwIfAborted();
    if (wait.aborted) throw new BalsaError("TIMEOUT", `${textOf(key)} is still before this one`, "not-applied");
    // What comes next is forgotten: the caller looks again.
    if (cause instanceof BalsaError && cause.code === "COMPACTED") return;
    throw cause;
  }
}
