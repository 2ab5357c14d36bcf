/**
 * @module
 * One message of every kind that nodes say to each other, with values at the edges of what they may hold.
 */

import type { Message } from "../../src/raft/message.ts";
import type { Configuration, ConfigurationChange, Entry, Member } from "../../src/raft/types.ts";
import type { ServiceMessage } from "../../src/transport/service-message.ts";

export const largest: number = Number.MAX_SAFE_INTEGER;

export function member(port: number, standing: Member["standing"] = "voter"): Member {
  return { httpAddr: `127.0.0.1:${port}`, raftAddr: `[::1]:${port + 1000}`, incarnation: `inc-${port}`, standing };
}

export const sampleConfiguration: Configuration = {
  voters: ["n1", "n2"],
  votersOutgoing: ["n1", "n3"],
  learners: ["n4"],
  learnersNext: ["n3"],
  autoLeave: true,
  members: { n1: member(1), n2: member(2), n3: member(3), n4: member(4, "learner") },
};

export const sampleChange: ConfigurationChange = {
  steps: [
    { kind: "addVoter", nodeId: "n5", member: member(5) },
    { kind: "addLearner", nodeId: "n6", member: { httpAddr: "", raftAddr: "", incarnation: "", standing: "learner" } },
    { kind: "remove", nodeId: "n1" },
    { kind: "update", nodeId: "n2", member: member(22) },
  ],
  transition: "jointExplicit",
};

export const sampleEntries: readonly Entry[] = [
  { kind: "noop", term: 3, index: 8, time: 0 },
  { kind: "command", term: 3, index: 9, time: 2 ** 40, command: new Uint8Array([1, 2, 3]) },
  { kind: "command", term: 4, index: 10, time: 2 ** 40 + 1, command: new Uint8Array(0) },
  { kind: "configuration", term: 4, index: 11, time: 2 ** 41, change: sampleChange },
];

export function sampleMessages(from: string, to: string): readonly Message[] {
  const envelope = { from, to, term: 5 };
  return [
    {
      kind: "appendEntriesRequest",
      ...envelope,
      prevLogIndex: 7,
      prevLogTerm: 3,
      entries: sampleEntries,
      leaderCommit: 6,
    },
    { kind: "appendEntriesRequest", ...envelope, prevLogIndex: 0, prevLogTerm: 0, entries: [], leaderCommit: 0 },
    { kind: "appendEntriesMatched", ...envelope, matchIndex: largest },
    { kind: "appendEntriesRejected", ...envelope, prevLogIndex: 2 ** 32, hint: { term: 4, index: 2 ** 33 } },
    { kind: "heartbeatRequest", ...envelope, leaderCommit: 2 ** 32 - 1, readRound: 0 },
    { kind: "heartbeatResponse", ...envelope, readRound: 2 ** 52 },
    { kind: "preVoteRequest", committed: { index: 7, term: 5 }, ...envelope, lastLogIndex: 1, lastLogTerm: 1 },
    { kind: "preVoteResponse", committed: { index: 7, term: 5 }, ...envelope, voteGranted: false },
    {
      kind: "requestVoteRequest",
      committed: { index: 7, term: 5 },
      ...envelope,
      lastLogIndex: 1,
      lastLogTerm: 1,
      leadershipTransfer: true,
    },
    { kind: "requestVoteResponse", committed: { index: 7, term: 5 }, ...envelope, voteGranted: true },
    { kind: "timeoutNowRequest", ...envelope },
    { kind: "transferRequest", ...envelope, transferee: "n3" },
    {
      kind: "installSnapshotRequest",
      ...envelope,
      snapshot: {
        lastIncludedIndex: 2 ** 35,
        lastIncludedTerm: 4,
        lastIncludedTime: 2 ** 42,
        configuration: sampleConfiguration,
      },
    },
    {
      kind: "forwardedProposal",
      ...envelope,
      proposalId: 9,
      proposal: { kind: "commands", commands: [new Uint8Array([1]), new Uint8Array(0), new Uint8Array([2, 3])] },
    },
    { kind: "forwardedProposal", ...envelope, proposalId: -9, proposal: { kind: "commands", commands: [] } },
    {
      kind: "forwardedProposal",
      ...envelope,
      proposalId: 10,
      proposal: { kind: "configuration", change: sampleChange },
    },
    { kind: "forwardedProposalRefused", ...envelope, proposalId: 11, reason: "configurationPending" },
    { kind: "readIndexRequest", ...envelope, readId: -(2 ** 33) },
    { kind: "leaseReadRequest", ...envelope, readId: 2 ** 40 },
    { kind: "readIndexResponse", ...envelope, readId: -1, readIndex: 77 },
    { kind: "removalNotice", ...envelope, appliedIndex: 2 ** 34 },
  ];
}

export const sampleServices: readonly ServiceMessage[] = [
  { kind: "inspectRequest", inspectId: 1 },
  { kind: "inspectResponse", inspectId: 1, progress: [{ id: "n2", matchIndex: 2 ** 34, healthy: true }] },
  { kind: "inspectResponse", inspectId: 2, progress: [] },
  { kind: "stateMark", index: largest, revision: 2 ** 33, stateHash: 2 ** 48 - 1 },
];
