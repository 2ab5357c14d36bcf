/**
 * @module
 * What the log says: what it held, what is durable now, and entries read back.
 */

import { decodeEntries } from "../../codec/entries.ts";
import { unreachable } from "../../errors/assert.ts";
import { step } from "../../raft/step.ts";
import type { LogToRaft } from "../protocol/raft-log.ts";
import type { RaftActorEffects } from "./input.ts";
import { bootWhenOpened } from "./start-core.ts";
import { type RaftActorState, startedCore } from "./state.ts";

export function onLog(state: RaftActorState, message: LogToRaft, effects: RaftActorEffects): void {
  switch (message.kind) {
    case "opened":
      state.logOpened = message;
      return bootWhenOpened(state, effects);
    case "persisted":
      return step(startedCore(state), message);
    case "entriesRead": {
      const entries = decodeEntries(message.entries, message.from);
      return step(startedCore(state), { kind: "entriesRead", from: message.from, entries });
    }
    case "resetDone":
      effects.toStore.push({ kind: "installSnapshot", snapshot: message.snapshot });
      return;
    case "size":
      state.logBytes = message.bytes;
      state.logBytesLeast = Math.min(state.logBytesLeast, message.bytes);
      return takeSnapshotWhenDue(state, effects);
    default:
      unreachable(message);
  }
}

/**
 * A snapshot is due when the log has outgrown the bound and half of what the last snapshot took; and by half as much what
 * that one left of it: the entries that are kept for followers may be larger than the bound by themselves.
 */
function takeSnapshotWhenDue(state: RaftActorState, effects: RaftActorEffects): void {
  if (state.snapshotUnderWay || state.core === null) return;
  const { logBytes, logBytesLeast, snapshotBytes } = state;
  const bound = Math.max(state.config.snapshotLogBytes, snapshotBytes / 2);
  if (logBytes <= bound || logBytes - logBytesLeast <= bound / 2) return;
  state.snapshotUnderWay = true;
  effects.toStore.push({ kind: "takeSnapshot" });
}
