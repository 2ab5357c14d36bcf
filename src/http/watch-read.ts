/**
 * @module
 * One step through the history, from a moment of the state of its own: nothing is held open between two steps.
 */

import { type ChangesAsk, type ChangesRead, MomentClosedError, type StateMoment } from "../kv/state-view.ts";
import type { Backend } from "./backend.ts";
import { isEnd } from "./watcher.ts";

/** `compacted`: some of what was asked for is gone. `replaced`: the state is another one now, ask again. */
export type WatchRead =
  | ({ readonly kind: "changes" } & ChangesRead)
  | { readonly kind: "compacted" }
  | { readonly kind: "replaced" };

/** Rejects with a StorageError. */
export async function readAfter(backend: Pick<Backend, "view">, ask: ChangesAsk): Promise<WatchRead> {
  let moment: StateMoment | undefined;
  try {
    moment = backend.view()?.moment();
    if (moment === undefined) return { kind: "replaced" };
    if (isCompacted(ask.after, moment)) return { kind: "compacted" };
    return { kind: "changes", ...(await moment.changes(ask)) };
  } catch (error) {
    if (error instanceof MomentClosedError) return { kind: "replaced" };
    throw error;
  } finally {
    await moment?.close();
  }
}

/** In the middle of a command the rest of it is asked for too. */
export function isCompacted(after: ChangesAsk["after"], moment: StateMoment): boolean {
  return (isEnd(after) ? after.revision : after.revision - 1) < moment.compactedRevision;
}
