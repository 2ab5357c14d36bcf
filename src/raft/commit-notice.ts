/**
 * @module
 * When a follower hears of a commit: by an append of its own, or with entries that come anyway.
 *
 * An append without entries costs a follower as many wake-ups as one with them, and its answer costs the leader another.
 * While proposals of many writers follow each other closely, the next entries bring the news a moment later for nothing.
 * Should none come, the next heartbeat does.
 */

import { inflightMessages } from "./inflights.ts";
import { makeDue, type Progress, wantsCommit } from "./progress.ts";
import type { RaftState } from "./state.ts";
import type { LogIndex, NodeId } from "./types.ts";

/** Appends that followed each other at this distance or less, in milliseconds on average, are taken to go on so. */
const gapMsMax = 25;
/** What a crowd of writers appends in one turn; a few writers cost little, and who watches them is told at once. */
const crowdEntriesMin = 4;
/** Where heartbeats are further apart, in milliseconds, the news of what is committed last would be late. */
const heartbeatMsMax = 250;

/** A leader's appends, by which it tells whether the next are near. */
export interface AppendPace {
  /** Turns of this tick that brought as many entries as a crowd of writers does. */
  turns: number;
  turnsOfLastTick: number;
}

export function noPace(): AppendPace {
  return { turns: 0, turnsOfLastTick: 0 };
}

export function notePace({ pace }: RaftState, entries: number): void {
  if (entries >= crowdEntriesMin) pace.turns += 1;
}

export function tickPace({ pace }: RaftState): void {
  pace.turnsOfLastTick = pace.turns;
  pace.turns = 0;
}

/** Somebody at the member waits until it hears that entries up to `index` are committed. */
export function expectCommit(state: RaftState, memberId: NodeId, index: LogIndex): void {
  const progress = state.progress.find(({ id }) => id === memberId);
  if (progress === undefined) return;
  progress.awaitedCommit = Math.max(progress.awaitedCommit, index);
  makeDue(progress, noticeDue(state, progress));
}

/** What a member that has not heard of the newest commit is to be sent. */
export function noticeDue(state: RaftState, progress: Progress): "entries" | "always" {
  const { log, options } = state;
  if (!wantsCommit(progress, log.commitIndex)) return "entries";
  if (options.commitNotice === "eager") return "always";
  const hasToAnswer = progress.kind === "replicate" && inflightMessages(progress.inflights) > 0;
  return hasToAnswer || mayRide(state, progress) ? "entries" : "always";
}

/** Are entries near that may bring the news, and does nobody there wait for it? */
function mayRide({ pace, options, pendingConfigurationIndex, leavingIndex }: RaftState, progress: Progress): boolean {
  const isBusy = pace.turnsOfLastTick * gapMsMax >= options.tickMs;
  const isHeartbeatNear = options.heartbeatTicks * options.tickMs <= heartbeatMsMax;
  const awaited = Math.max(progress.awaitedCommit, pendingConfigurationIndex, leavingIndex);
  return isBusy && isHeartbeatNear && awaited <= progress.sentCommit;
}
