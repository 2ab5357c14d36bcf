/**
 * @module
 * How old an answer of this node may be (Balsa-Age-Ms): every confirmed read index says that what was committed
 * when it was asked for is in the log up to it; once that is applied here, this node is as fresh as the ask.
 *
 * The same confirmations that linearizable reads need serve for this; when there are none, the actor asks for
 * one of its own now and then. An echo of a leader that nobody has confirmed would not do: a deposed
 * leader echoes too.
 */

import type { LogIndex } from "../../raft/types.ts";

interface Ask {
  readonly askedAtMs: number;
}

interface Confirmed {
  readonly askedAtMs: number;
  readonly readIndex: LogIndex;
}

export interface Freshness {
  /** By read id; those of ingress and our own. */
  readonly asked: Map<number, Ask>;
  /** Ascending in both fields. */
  confirmed: Confirmed[];
  newestAskMs: number;
  /** Everything committed at this moment is applied here. 0: never known. */
  freshAtMs: number;
}

export function createFreshness(): Freshness {
  return { asked: new Map(), confirmed: [], newestAskMs: 0, freshAtMs: 0 };
}

export function onReadAsked(freshness: Freshness, readId: number, nowMs: number): void {
  freshness.asked.set(readId, { askedAtMs: nowMs });
  freshness.newestAskMs = nowMs;
}

export function onReadGranted(
  freshness: Freshness,
  grant: { readonly readId: number; readonly readIndex: LogIndex },
): void {
  const ask = freshness.asked.get(grant.readId);
  freshness.asked.delete(grant.readId);
  if (ask === undefined || ask.askedAtMs <= (freshness.confirmed.at(-1)?.askedAtMs ?? freshness.freshAtMs)) return;
  freshness.confirmed.push({ askedAtMs: ask.askedAtMs, readIndex: grant.readIndex });
}

export function onReadGivenUp(freshness: Freshness, readId: number): void {
  freshness.asked.delete(readId);
}

/** Moves `freshAtMs` on to the newest ask whose read index is applied. */
export function onAppliedTo(freshness: Freshness, appliedIndex: LogIndex): void {
  let reached = 0;
  for (const { askedAtMs, readIndex } of freshness.confirmed) {
    if (readIndex > appliedIndex) break;
    freshness.freshAtMs = askedAtMs;
    reached += 1;
  }
  if (reached > 0) freshness.confirmed.splice(0, reached);
}
