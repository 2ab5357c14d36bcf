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

/**
 * Who has been promised what comes reads it while it is here (`kept`), also when it was compacted the moment after it came; to
 * others, what is compacted is gone at once. Rejects with a StorageError.
 */
export async function readAfter(
  backend: Pick<Backend, "view">,
  ask: ChangesAsk,
  from: "kept" | "compacted",
): Promise<WatchRead> {
  let moment: StateMoment | undefined;
  try {
    moment = backend.view()?.moment();
    if (moment === undefined) return { kind: "replaced" };
    if (isBelow(ask.after, from === "kept" ? moment.historyFrom : moment.compactedRevision))
      return { kind: "compacted" };
    return { kind: "changes", ...(await moment.changes(ask)) };
  } catch (error) {
    if (error instanceof MomentClosedError) return { kind: "replaced" };
    throw error;
  } finally {
    await moment?.close();
  }
}

/** Whether some of what comes after the place is gone when changes above `revision` are left. In the middle of a command the rest of it counts. */
export function isBelow(after: ChangesAsk["after"], revision: number): boolean {
  return (isEnd(after) ? after.revision : after.revision - 1) < revision;
}
