/**
 * @module
 * A leader's own entries: the only place where entries come into being (Figure 2, rules for leaders).
 */

import { assert } from "./assert.ts";
import { appendToLog, entryBytes } from "./log.ts";
import { makeDue } from "./progress.ts";
import type { RaftState } from "./state.ts";
import type { ClusterTime, ConfigurationChange, Entry } from "./types.ts";

/** The first entry of a term (§8). */
export function appendNoop(state: RaftState): void {
  append(state, { kind: "noop", term: state.currentTerm, index: state.log.lastIndex + 1, time: clusterTime(state) });
  sendToAll(state);
}

/** All commands of one proposal, in their order. */
export function appendCommands(state: RaftState, commands: readonly Uint8Array[]): void {
  const { log, currentTerm: term } = state;
  const time = clusterTime(state);
  for (const command of commands) append(state, { kind: "command", term, index: log.lastIndex + 1, time, command });
  sendToAll(state);
}

/** A change of members; the next must wait until this one is applied. */
export function appendConfiguration(state: RaftState, change: ConfigurationChange): void {
  const { log, currentTerm: term } = state;
  append(state, { kind: "configuration", term, index: log.lastIndex + 1, time: clusterTime(state), change });
  state.pendingConfigurationIndex = log.lastIndex;
  sendToAll(state);
}

function append(state: RaftState, entry: Entry): void {
  assert(state.role === "leader", "only a leader makes entries");
  appendToLog(state.log, entry);
  state.uncommittedBytes += entryBytes(entry);
}

function sendToAll(state: RaftState): void {
  for (const progress of state.progress) makeDue(progress, "always");
}

/** Milliseconds: goes on from the last entry's time when this leader was elected, by ticks alone. */
export function clusterTime(state: RaftState): ClusterTime {
  return state.electedAt + state.ticksSinceElected * state.options.tickMs;
}
