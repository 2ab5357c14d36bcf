/**
 * @module
 * Linearizable reads without a log entry (dissertation §6.4), from any node.
 *
 * A leader binds a read to its commit index when it is asked, and grants it when a quorum has answered a
 * round of heartbeats that began afterwards. All reads that wait when a round begins share it. Reads for which a lease
 * will do are granted at once while it holds.
 *
 * A question can stand for an answer. A voter that asks in the leader's term has promised its vote to nobody in a later one
 * when it asks, which is after the read began. Where it and the leader are a quorum, nobody else had been elected by
 * then, and what is committed when the question arrives is all that the read has to see.
 */

import { assert } from "./assert.ts";
import { hasCommittedInTerm, progressOfMember } from "./commit.ts";
import { expectCommit } from "./commit-notice.ts";
import { broadcastHeartbeat } from "./heartbeat-request.ts";
import { holdsLease } from "./lease.ts";
import type { LeaseReadRequest, ReadIndexRequest, ReadIndexResponse } from "./message.ts";
import { quorumReached, quorumVote } from "./quorum.ts";
import { send } from "./send.ts";
import type { LeaderRead, LocalRead, RaftState } from "./state.ts";
import type { LogIndex, NodeId } from "./types.ts";

/** Election timeouts that a read of this node waits for an answer. */
const giveUpTimeouts = 2;

/** A read asked at this node. */
export function onReadIndex(state: RaftState, readId: number): void {
  askFor(state, readId, { byLease: false });
}

/** A read asked at this node for which the leader's lease will do; without one it is confirmed as any other. */
export function onLeaseRead(state: RaftState, readId: number): void {
  if (state.role !== "leader" || !holdsLease(state)) return askFor(state, readId, { byLease: true });
  state.outbox.readsGranted.push({ readId, readIndex: state.log.commitIndex });
}

function askFor(state: RaftState, readId: number, { byLease }: { readonly byLease: boolean }): void {
  const { reads } = state;
  if (isAtCapacity(state)) {
    state.outbox.readsRefused.push(readId);
    return;
  }
  const wireId = reads.nextWireId;
  reads.nextWireId += 1;
  const read = { readId, wireId, byLease, waitedTicks: 0 };
  reads.local.push(read);
  if (state.role === "leader") confirm(state, state.id, wireId);
  else askLeader(state, read);
}

/** A read asked at another node. One that this node cannot take is asked again. */
export function onReadIndexRequest(state: RaftState, request: ReadIndexRequest | LeaseReadRequest): void {
  if (state.role !== "leader") return;
  const { from, readId } = request;
  if (isConfirmedByAsking(state, from)) {
    return grant(state, { from, wireId: readId, readIndex: state.log.commitIndex, round: 0 });
  }
  if (isAtCapacity(state)) return;
  const known = state.reads.confirming.some((read) => read.from === from && read.wireId === readId);
  if (!known) confirm(state, from, readId);
}

/** As above, but a lease answers at once. */
export function onLeaseReadRequest(state: RaftState, request: LeaseReadRequest): void {
  if (state.role !== "leader" || !holdsLease(state)) return onReadIndexRequest(state, request);
  const { from, readId: wireId } = request;
  grant(state, { from, wireId, readIndex: state.log.commitIndex, round: 0 });
}

export function onReadIndexResponse(state: RaftState, response: ReadIndexResponse): void {
  grantLocal(state, response.readId, response.readIndex);
}

/**
 * Asks again what no leader has answered: the question or its answer may be lost. What has waited for as long as an
 * election may take is given up, so that reads of which nobody wants to know any more do not gather.
 */
export function tickReads(state: RaftState): void {
  const { reads, options } = state;
  const resendTicks = 2 * options.heartbeatTicks;
  const giveUpTicks = giveUpTimeouts * options.electionTimeoutTicks;
  let isAnyGivenUp = false;
  for (const read of reads.local) {
    read.waitedTicks += 1;
    if (read.waitedTicks >= giveUpTicks) isAnyGivenUp = true;
    else if (state.role !== "leader" && read.waitedTicks % resendTicks === 0) askLeader(state, read);
  }
  if (isAnyGivenUp) giveUpReads(state, giveUpTicks);
}

/** A leader is known now: all reads of this node go to it. */
export function askLeaderAgain(state: RaftState): void {
  for (const read of state.reads.local) askLeader(state, read);
}

/** The lead is lost: reads of this node wait for the next leader, others ask it themselves. */
export function dropConfirming(state: RaftState): void {
  state.reads.confirming = [];
}

/** The lead is won: reads of this node are its own to confirm. */
export function takeOverReads(state: RaftState): void {
  state.reads.confirming = [];
  for (const read of state.reads.local) confirm(state, state.id, read.wireId);
}

/** Begins one round for all reads that wait for one. Once a turn, after all of its inputs. */
export function beginReadRound(state: RaftState): void {
  const { reads } = state;
  if (reads.confirming.at(-1)?.round !== 0 || !hasCommittedInTerm(state)) return;
  reads.round += 1;
  for (let position = reads.confirming.length - 1; position >= 0; position -= 1) {
    const read = reads.confirming[position];
    if (read === undefined || read.round !== 0) break;
    read.readIndex ??= state.log.commitIndex;
    read.round = reads.round;
  }
  const own = progressOfMember(state, state.id);
  if (own !== undefined) own.ackedRound = reads.round;
  grantConfirmed(state);
  if (reads.confirming.length > 0) broadcastHeartbeat(state);
}

/** Grants all reads whose round a quorum has answered, its own answer included (dissertation §6.4, step 2). */
export function grantConfirmed(state: RaftState): void {
  const { confirming } = state.reads;
  if (confirming.length === 0) return;
  const round = quorumReached(state.configuration, (nodeId) => progressOfMember(state, nodeId)?.ackedRound);
  let granted = 0;
  for (const read of confirming) {
    if (read.round === 0 || read.round > round) break;
    grant(state, read);
    granted += 1;
  }
  if (granted > 0) confirming.splice(0, granted);
}

/** The question came in the present term, or `settleTerm` would have kept it from here. */
function isConfirmedByAsking(state: RaftState, from: NodeId): boolean {
  const { options, configuration, id } = state;
  if (options.readConfirmation !== "asker" || !hasCommittedInTerm(state)) return false;
  const heard = new Map([id, from].map((nodeId) => [nodeId, true]));
  return quorumVote(configuration, heard) === "won";
}

function confirm(state: RaftState, from: NodeId, wireId: number): void {
  const readIndex = hasCommittedInTerm(state) ? state.log.commitIndex : null;
  state.reads.confirming.push({ from, wireId, readIndex, round: 0 });
}

function grant(state: RaftState, { from, wireId, readIndex }: LeaderRead): void {
  assert(readIndex !== null, "a round begins only for reads that are bound to an index");
  if (from === state.id) return grantLocal(state, wireId, readIndex);
  expectCommit(state, from, readIndex);
  send(state, {
    kind: "readIndexResponse",
    from: state.id,
    to: from,
    term: state.currentTerm,
    readId: wireId,
    readIndex,
  });
}

function grantLocal(state: RaftState, wireId: number, readIndex: LogIndex): void {
  const { local } = state.reads;
  const position = local.findIndex((read) => read.wireId === wireId);
  const read = local[position];
  if (read === undefined) return;
  local.splice(position, 1);
  state.outbox.readsGranted.push({ readId: read.readId, readIndex });
}

function giveUpReads(state: RaftState, giveUpTicks: number): void {
  const { reads, outbox } = state;
  const givenUp = new Set<number>();
  reads.local = reads.local.filter(({ readId, wireId, waitedTicks }) => {
    if (waitedTicks < giveUpTicks) return true;
    givenUp.add(wireId);
    outbox.readsRefused.push(readId);
    return false;
  });
  reads.confirming = reads.confirming.filter(({ from, wireId }) => from !== state.id || !givenUp.has(wireId));
}

function askLeader(state: RaftState, { wireId, byLease }: LocalRead): void {
  if (state.leaderId === null) return;
  send(state, {
    kind: byLease ? "leaseReadRequest" : "readIndexRequest",
    from: state.id,
    to: state.leaderId,
    term: state.currentTerm,
    readId: wireId,
  });
}

function isAtCapacity(state: RaftState): boolean {
  const { local, confirming } = state.reads;
  return Math.max(local.length, confirming.length) >= state.options.pendingReadsMax;
}
