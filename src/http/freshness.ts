/**
 * @module
 * How old an answer is that this node gives alone.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { Backend } from "./backend.ts";
import { StateRefusal } from "./state-refusal.ts";

/**
 * Milliseconds; below 0 when this node has not heard a leader. To be asked before the state is read, so that it is
 * never overstated how fresh that is. Throws TOO_STALE above `maxAgeMs`.
 */
export function ageOf(backend: Backend, maxAgeMs: number): number {
  const freshAtMs = backend.freshAtMs();
  const ageMs = freshAtMs === 0 ? -1 : Math.max(0, Math.ceil(backend.nowMs() - freshAtMs));
  if (maxAgeMs === Number.POSITIVE_INFINITY || (ageMs >= 0 && ageMs <= maxAgeMs)) return ageMs;
  const detail = ageMs < 0 ? "this node has not heard a leader" : `the state is ${ageMs} ms old`;
  throw tooStale(backend, detail);
}

/** With the revision that this node has, unless its state is not open. */
export function tooStale(backend: Pick<Backend, "view">, detail: string): BalsaError {
  const view = backend.view();
  return view === undefined
    ? new BalsaError("TOO_STALE", detail)
    : new StateRefusal("TOO_STALE", detail, view.revision());
}
