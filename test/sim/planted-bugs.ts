/**
 * @module
 * Bugs that others had, each one line of production changed. They are put into a copy of the compiled code, so that
 * what is built for use knows no switch for them; the simulator must find every one.
 */

export interface PlantedBug {
  readonly name: string;
  /** Below `dist/src`, without `.js`. */
  readonly file: string;
  /** In the compiled file exactly once. */
  readonly text: string;
  readonly replacement: string;
}

const core: readonly PlantedBug[] = [
  {
    name: "an entry of an old term is committed by counting",
    file: "raft/commit",
    text: "if (index <= log.commitIndex || termAt(log, index) !== state.currentTerm)",
    replacement: "if (index <= log.commitIndex)",
  },
  {
    name: "a vote is sent before it is durable",
    file: "raft/vote",
    text: 'sendAfterWrite(state, { kind: "requestVoteResponse", from: id, to: request.from, term, voteGranted, committed });',
    replacement:
      'state.outbox.messages.push({ kind: "requestVoteResponse", from: id, to: request.from, term, voteGranted, committed });',
  },
  {
    name: "a message leaves before its term is durable",
    file: "raft/writes",
    text: "hold(state, outbox.messages, writes.termWriteId, ready);",
    replacement: "hold(state, outbox.messages, 0, ready);",
  },
  {
    name: "entries are acknowledged before they are durable",
    file: "raft/writes",
    text: "hold(state, outbox.afterWrite, writes.lastWriteId, ready);",
    replacement: "hold(state, outbox.afterWrite, writes.termWriteId, ready);",
  },
  {
    name: "a late persisted of the same index blesses another term",
    file: "raft/writes",
    text: "write.coveredIndex = Math.min(write.coveredIndex, index - 1);",
    replacement: "write.coveredIndex = Math.min(write.coveredIndex, write.lastIndex);",
  },
  {
    name: "term and index are compared as two conditions",
    file: "raft/vote",
    text: "return a.term > b.term || (a.term === b.term && a.index >= b.index);",
    replacement: "return a.term >= b.term && a.index >= b.index;",
  },
  {
    name: "a shorter log is elected",
    file: "raft/vote",
    text: "return a.term > b.term || (a.term === b.term && a.index >= b.index);",
    replacement: "return a.term >= b.term;",
  },
  {
    name: "a node votes twice in a term",
    file: "raft/vote",
    text: "(state.votedFor === null && state.leaderId === null)",
    replacement: "state.leaderId === null",
  },
  {
    name: "votes of an earlier term are counted",
    file: "raft/term",
    text: "if (message.term < state.currentTerm) {",
    replacement: 'if (message.term < state.currentTerm && message.kind !== "requestVoteResponse") {',
  },
  {
    name: "a late, shorter append truncates what matches",
    file: "raft/append-entries",
    text: "if (index > log.lastIndex || termAt(log, index) !== term)",
    replacement: "if (index > 0)",
  },
  {
    name: "the term of the previous entry is not compared",
    file: "raft/append-entries",
    text: "if (termAt(log, prevLogIndex) !== prevLogTerm)",
    replacement: "if (termAt(log, prevLogIndex) === null)",
  },
  {
    name: "a heartbeat exposes a commit index beyond the match",
    file: "raft/heartbeat-request",
    text: "const leaderCommit = Math.min(progress.matchIndex, log.commitIndex);",
    replacement: "const leaderCommit = log.commitIndex;",
  },
  {
    name: "a heartbeat exposes a commit index beyond the match of who is sent a snapshot",
    file: "raft/heartbeat-request",
    text: "const leaderCommit = Math.min(progress.matchIndex, log.commitIndex);",
    replacement:
      'const leaderCommit = progress.kind === "snapshot" ? log.commitIndex : Math.min(progress.matchIndex, log.commitIndex);',
  },
  {
    name: "matchIndex goes back on reordered answers",
    file: "raft/progress",
    text: "if (matchIndex <= progress.matchIndex)",
    replacement: "if (matchIndex === progress.matchIndex)",
  },
  {
    name: "a leader counts its own entries before they are durable",
    file: "raft/step",
    text: "advanceMatch(own, state.log.persistedIndex)",
    replacement: "advanceMatch(own, state.log.lastIndex)",
  },
  {
    name: "entries are applied ahead of the own log",
    file: "raft/log",
    text: "return Math.min(log.commitIndex, log.persistedIndex);",
    replacement: "return log.commitIndex;",
  },
  {
    name: "cluster time begins anew with each leader",
    file: "raft/append-own",
    text: "return state.electedAt + state.ticksSinceElected * state.options.tickMs;",
    replacement: "return state.ticksSinceElected * state.options.tickMs;",
  },
  {
    name: "uncommitted bytes leak from their counter",
    file: "raft/apply",
    text: "state.uncommittedBytes = Math.max(0, state.uncommittedBytes - bytes);",
    replacement: "state.uncommittedBytes = Math.max(0, state.uncommittedBytes);",
  },
  {
    name: "a forward that arrives twice is appended twice",
    file: "raft/proposal",
    text: "if (proposalId <= (lastIds.get(series) ?? -1))",
    replacement: "if (proposalId < 0)",
  },
];

const members: readonly PlantedBug[] = [
  {
    name: "a majority is counted over the union of joint halves",
    file: "raft/quorum",
    text: ": Math.min(incoming, majorityReached(halves.votersOutgoing, acknowledged));",
    replacement: ": majorityReached([...new Set([...halves.voters, ...halves.votersOutgoing])], acknowledged);",
  },
  {
    name: "a second change begins before the first is applied",
    file: "raft/membership",
    text: "return state.pendingConfigurationIndex > state.log.appliedIndex || !hasCommittedInTerm(state);",
    replacement: "return !hasCommittedInTerm(state);",
  },
  {
    name: "a change begins before an entry of its term is committed",
    file: "raft/membership",
    text: "return state.pendingConfigurationIndex > state.log.appliedIndex || !hasCommittedInTerm(state);",
    replacement: "return state.pendingConfigurationIndex > state.log.appliedIndex;",
  },
  {
    name: "old membership after a snapshot",
    file: "raft/snapshot",
    text: "switchConfiguration(state, snapshot.configuration);",
    replacement: "switchConfiguration(state, state.configuration);",
  },
  {
    name: "what others call committed is taken over unseen",
    file: "raft/vote",
    text: "if (termAt(state.log, committed.index) === committed.term)",
    replacement: "if (committed.index <= state.log.lastIndex)",
  },
  {
    name: "a transfer to a dead target strands",
    file: "raft/tick",
    text: "state.transferee = null;",
    replacement: "state.heartbeatElapsedTicks += 0;",
  },
  {
    name: "a leader's entries are taken while a snapshot is installed",
    file: "raft/append-entries",
    text: "if (state.installing !== null)\n        return;",
    replacement: "",
  },
];

const reads: readonly PlantedBug[] = [
  {
    name: "ReadIndex before an entry of the leader's own term is committed",
    file: "raft/read-index",
    text: "if (reads.confirming.at(-1)?.round !== 0 || !hasCommittedInTerm(state))",
    replacement: "if (reads.confirming.at(-1)?.round !== 0)",
  },
  {
    name: "ReadIndex is answered from a confirmation that began before the ask",
    file: "raft/read-index",
    text: "state.reads.confirming.push({ from, wireId, readIndex, round: 0 });",
    replacement:
      "state.reads.confirming.push({ from, wireId, readIndex, round: state.reads.confirming.at(-1)?.round ?? 0 });",
  },
  {
    name: "a read is answered before the state has reached its index",
    file: "actors/ingress/reads",
    text: "this.#granted.push({ readIndex: message.readIndex, reads: round.reads });",
    replacement: "this.#granted.push({ readIndex: 0, reads: round.reads });",
  },
  {
    name: "value and revision come from two moments",
    file: "storage/state/level-state-view",
    text: 'return { revision: this.#floor, record: record.kind === "value" ? record : undefined };',
    replacement:
      'return { revision: this.#cells.get("revisionApplied"), record: record.kind === "value" ? record : undefined };',
  },
];

const actors: readonly PlantedBug[] = [
  {
    name: "a write is proposed again while its term lasts",
    file: "actors/ingress/writes",
    text: "if (batch.term !== 0 && batch.term < appliedTerm)",
    replacement: "if (batch.term !== 0 && batch.term <= appliedTerm)",
  },
  {
    name: "an unknown outcome is called certain",
    file: "actors/ingress/writes",
    text: "if (write.batch !== null || write.inDoubt) {",
    replacement: "if ((write.batch !== null && write.batch.term !== 0) || write.inDoubt) {",
  },
  {
    name: "results that a snapshot overtook are asked for again",
    file: "actors/store/installation",
    text: "overtakenTerm: snapshot.lastIncludedTerm,",
    replacement: "overtakenTerm: 0,",
  },
  {
    name: "a generation is shown as applied before its readers are there",
    file: "actors/store/installation",
    text: 'state.installation = { kind: "entering", snapshot, generation };',
    replacement:
      'state.installation = { kind: "entering", snapshot, generation }; state.outbox.applied = generation.meta;',
  },
];

const disk: readonly PlantedBug[] = [
  {
    name: "acknowledged before sync",
    file: "storage/log/log-store",
    text: "write.finish();\n        await batch.write({ sync: true });",
    replacement: "write.finish();\n        await batch.write({ sync: false });",
  },
  {
    name: "a sweep removes an entry that counts",
    file: "storage/log/key",
    text: "to: entryKey(lane, startIndex + 1)",
    replacement: "to: entryKey(lane, startIndex + 2)",
  },
  {
    name: "a record that is overwritten in part keeps its end, not its front",
    file: "storage/log/log-write",
    text: ".entries.slice(0, fromIndex - first);",
    replacement: ".entries.slice(first - fromIndex);",
  },
];

const leaseReads: readonly PlantedBug[] = [
  {
    name: "a leader's lease rests on heartbeats that nobody has answered",
    file: "raft/lease",
    text: "lease.rounds.findLast(({ round }) => round <= answered);",
    replacement: "lease.rounds.at(-1);",
  },
  {
    name: "a leader's lease lasts longer than the word that it rests on",
    file: "raft/lease",
    text: "const leasePart = 0.9;",
    replacement: "const leasePart = 4;",
  },
];

const model: readonly PlantedBug[] = [
  {
    name: "a write that is sent again is executed again",
    file: "kv/machine",
    text: "if (known !== undefined)\n        return known;",
    replacement: "if (known !== undefined && known.revision === execution.revision - 1)\n        return known;",
  },
  {
    name: "snapshots lack what is remembered of idempotency keys",
    file: "storage/snapshot/format",
    text: "return rowKey[0] !== rowPrefixes.batch && rowKey[0] !== rowPrefixes.meta;",
    replacement:
      "return ![rowPrefixes.batch, rowPrefixes.meta, rowPrefixes.session, rowPrefixes.sessionQueue].includes(rowKey[0]);",
  },
  {
    name: "half of a refused transaction is applied",
    file: "kv/execute",
    text: "return refusal === null ? () => stageDraft(execution, draft) : refusing(refusal);",
    replacement:
      "const changes = draft.changes.filter(({ record }) => refusal === null || record?.leaseId === 0);\n    return () => ({ ...stageDraft(execution, { ...draft, changes }), ...(refusal === null ? {} : { result: refusal }) });",
  },
  {
    name: "a lease may end by the time that the last leader gave it",
    file: "kv/lease",
    text: "return Math.max(renewedTime, termStartTime) + ttlMs;",
    replacement: "return renewedTime + ttlMs;",
  },
  {
    name: "a lease ends although it was kept alive meanwhile",
    file: "kv/execute",
    text: "const isDue = lease.renewal === operation.renewal && time >= dueTimeOf(lease, termStartTime);",
    replacement: "const isDue = true;",
  },
  {
    name: "a lease lacks the tick in which it was renewed",
    file: "actors/raft/on-tick",
    text: "time: Math.max(0, clusterTime(core) - tickMs) });",
    replacement: "time: clusterTime(core) });",
  },
  {
    name: "a watch that goes on in the middle of a command loses the rest of it",
    file: "storage/state/changes-reader",
    text: "return one.revision > other.revision || (one.revision === other.revision && one.ordinal > other.ordinal);",
    replacement: "return one.revision > other.revision;",
  },
];

export const plantedBugs: readonly PlantedBug[] = [
  ...core,
  ...members,
  ...reads,
  ...actors,
  ...disk,
  ...leaseReads,
  ...model,
];
