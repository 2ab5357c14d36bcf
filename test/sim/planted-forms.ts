/**
 * @module
 * Subtler forms of the bugs that others had: the same bug at another line, or under one condition more (after the
 * colon), so that no other test sees it.
 */

import type { PlantedBug } from "./planted-bugs.ts";

const core: readonly PlantedBug[] = [
  {
    name: "an entry of an old term is committed by counting: in a joint configuration",
    file: "raft/commit",
    text: "if (index <= log.commitIndex || termAt(log, index) !== state.currentTerm)",
    replacement:
      "if (index <= log.commitIndex || (termAt(log, index) !== state.currentTerm && !configuration.votersOutgoing.length))",
  },
  {
    name: "a vote is counted before it is durable: its own, once an earlier write is",
    file: "raft/writes",
    text: "writes.durableTerm = write.currentTerm;",
    replacement: "writes.durableTerm = state.currentTerm;",
  },
  {
    name: "a shorter log is elected: what voters are still writing does not count",
    file: "raft/vote",
    text: "return isUpToDate({ term: request.lastLogTerm, index: request.lastLogIndex }, lastEntryId(state.log));",
    replacement:
      "const { persistedIndex: index } = state.log;\n    return isUpToDate({ term: request.lastLogTerm, index: request.lastLogIndex }, { term: termAt(state.log, index), index });",
  },
  {
    name: "a forward that arrives twice is appended twice: when another came in between",
    file: "raft/proposal",
    text: "if (proposalId <= (lastIds.get(series) ?? -1))",
    replacement: "if (proposalId === lastIds.get(series))",
  },
  {
    name: "an unknown outcome is called certain: a refusal settles the newest forward, whatever it names",
    file: "raft/proposal",
    text: "const position = state.forwarded.findLastIndex(({ wireId }) => wireId === message.proposalId);",
    replacement: "const position = state.forwarded.length - 1;",
  },
  {
    name: "a second snapshot comes while one is installed: both are begun",
    file: "raft/snapshot",
    text: "if (state.installing !== null)\n        return;\n    const { log } = state;",
    replacement: "const { log } = state;",
  },
  {
    name: "cluster time begins anew: with the last snapshot, after a restart",
    file: "raft/log",
    text: "lastTime: boot.lastTime,",
    replacement: "lastTime: boot.snapshot.lastIncludedTime,",
  },
  {
    name: "cluster time begins anew: at an election, when no entry is in memory",
    file: "raft/role",
    text: "state.electedAt = log.lastTime;",
    replacement: "state.electedAt = log.tail.at(-1)?.time ?? 0;",
  },
  {
    name: "matchIndex goes back: of who is sent a snapshot",
    file: "raft/progress",
    text: "progress.pendingSnapshot = lastIncludedIndex;",
    replacement: "progress.pendingSnapshot = lastIncludedIndex;\n    progress.matchIndex = 0;",
  },
  {
    name: "cluster time runs ahead: by what a leader had counted before it was deposed",
    file: "raft/role",
    text: "state.ticksSinceElected = 0;",
    replacement: "",
  },
];

const members: readonly PlantedBug[] = [
  {
    name: "a second change begins before the first is applied: once that is committed",
    file: "raft/membership",
    text: "return state.pendingConfigurationIndex > state.log.appliedIndex || !hasCommittedInTerm(state);",
    replacement: "return state.pendingConfigurationIndex > state.log.commitIndex || !hasCommittedInTerm(state);",
  },
  {
    name: "a second change begins before the first is applied: by a new leader",
    file: "raft/role",
    text: "state.pendingConfigurationIndex = log.lastIndex;",
    replacement: "state.pendingConfigurationIndex = log.commitIndex;",
  },
  {
    name: "matchIndex goes back: of all members, when a joint configuration is entered",
    file: "raft/membership",
    text: "if (kept !== undefined)",
    replacement: "if (kept !== undefined && !isJoint(configuration))",
  },
  {
    name: "a second change begins before the first is applied: the promotion of a learner",
    file: "raft/membership",
    text: "if (configuration.learners.length === 0 || isChangePending(state))",
    replacement: "if (configuration.learners.length === 0 || !hasCommittedInTerm(state))",
  },
  {
    name: "old membership after a snapshot: in what goes to the state with the next change",
    file: "actors/raft/from-store",
    text: "state.handedOnConfiguration = snapshot.configuration;",
    replacement: "",
  },
  {
    name: "old membership after a restart: in what goes to the state with the next change",
    file: "actors/raft/start-core",
    text: "state.handedOnConfiguration = next.boot.configuration;",
    replacement: "",
  },
  {
    name: "old membership after a restart: in what goes to the state with changes that are replayed together",
    file: "actors/raft/apply-effects",
    text: "state.handedOnConfiguration = changed(state.handedOnConfiguration, entry.change);",
    replacement: "state.handedOnConfiguration = changed(startedCore(state).configuration, entry.change);",
  },
];

const actors: readonly PlantedBug[] = [
  {
    name: "a state is swapped under a reader: rows read for one batch serve the next",
    file: "actors/store/batch",
    text: "state.readAhead.clear();",
    replacement: "",
  },
];

export const plantedForms: readonly PlantedBug[] = [...core, ...members, ...actors];
