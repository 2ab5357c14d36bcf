/**
 * @module
 * A leader whose own disk or state machine stands still while its followers go on: it must not go on
 * heartbeating over a dead disk. It hands over to the most up-to-date voter, else steps down.
 */

import { furthestFollower, isApplyBehind } from "./commit.ts";
import { becomeFollower } from "./role.ts";
import { noStall, type RaftState } from "./state.ts";
import { beginTransfer } from "./transfer.ts";

/** Election timeouts that the standstill may last. */
const timeoutsMax = 2;

/** On a leader, once a tick. When all stand still, as on a disk shared by all, nothing is gained by a change. */
export function tickStall(state: RaftState): void {
  const { stall, log, options } = state;
  const isPersistStalled = log.persistedIndex < log.lastIndex && log.persistedIndex === stall.persistedIndex;
  const isApplyStalled = isApplyBehind(state) && log.appliedIndex === stall.appliedIndex;
  if (!isPersistStalled && !isApplyStalled) {
    state.stall = {
      ...noStall(),
      persistedIndex: log.persistedIndex,
      appliedIndex: log.appliedIndex,
      followerMatchIndex: furthestFollower(state)?.matchIndex ?? 0,
    };
    return;
  }
  stall.stalledTicks += 1;
  if (stall.stalledTicks < timeoutsMax * options.electionTimeoutTicks) return;
  const successor = furthestFollower(state);
  if (successor === null || successor.matchIndex <= stall.followerMatchIndex) return;
  if (stall.transferTried) return becomeFollower(state, state.currentTerm, null);
  beginTransfer(state, successor.id);
  // One election timeout more for the transfer.
  stall.transferTried = true;
  stall.stalledTicks -= options.electionTimeoutTicks;
}
