/**
 * @module
 * The invariants of the paper and of durability, after every turn of every raft actor (Figure 3; DESIGN.md, "The
 * order of pointers").
 */

import type { RaftActorEffects, RaftActorInput } from "../../../src/actors/raft/input.ts";
import { isJoint } from "../../../src/raft/configuration.ts";
import { inflightMessages } from "../../../src/raft/inflights.ts";
import { entryBytes, type RaftLog } from "../../../src/raft/log.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { RaftState } from "../../../src/raft/state.ts";
import { lastTermOf, termAt } from "../../../src/raft/term-runs.ts";
import type { Configuration, EntryId } from "../../../src/raft/types.ts";
import type { Machine } from "../machine.ts";
import type { SimulatedProcess } from "../process.ts";
import type { World } from "../world.ts";
import type { Ledger } from "./ledger.ts";
import { isBehind, isQuorum } from "./quorum.ts";

/** What only the leader of a term sends. */
const leadersKinds: readonly string[] = ["appendEntriesRequest", "heartbeatRequest", "installSnapshotRequest"];

/** Of a core before its turn. */
interface Before {
  readonly role: RaftState["role"];
  readonly term: number;
  readonly votedFor: string | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly persistedIndex: number;
  readonly last: EntryId;
  readonly configuration: Configuration;
  readonly transferee: string | null;
}

export class RaftWatch {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #machines: ReadonlyMap<string, Machine>;
  #before: Before | null = null;
  /** How far each member was known to be in one term, by leader. */
  readonly #matchesOf = new Map<SimulatedProcess, { readonly term: number; readonly known: Map<string, number> }>();
  /** The log of each candidate as its request told, by node and term. */
  readonly #candidates = new Map<string, EntryId>();
  /** Whom each node has given its vote, by node and term. */
  readonly #votes = new Map<string, string>();
  /** Who was asked for its vote by whom in which term. */
  readonly #asked = new Set<string>();
  /** The newest term in which each node knew a leader, by process. */
  readonly #ledIn = new Map<SimulatedProcess, number>();
  /** Of the leaders that this turn's inputs come from, the newest; 0: none. */
  #leaderTermHeard = 0;

  constructor(world: World, ledger: Ledger, machines: ReadonlyMap<string, Machine>) {
    this.#world = world;
    this.#ledger = ledger;
    this.#machines = machines;
  }

  before({ id, raft: { core } }: SimulatedProcess, inputs: readonly RaftActorInput[]): void {
    this.#leaderTermHeard = 0;
    for (const input of inputs) {
      if (input.kind !== "fromPeer") continue;
      const { kind, from, term } = input.message;
      if (kind === "requestVoteRequest") this.#asked.add(`${id}/${from}/${term}`);
      else if (leadersKinds.includes(kind)) this.#leaderTermHeard = Math.max(this.#leaderTermHeard, term);
    }
    if (core === null) {
      this.#before = null;
      return;
    }
    const { log } = core;
    this.#before = {
      role: core.role,
      term: core.currentTerm,
      votedFor: core.votedFor,
      commitIndex: log.commitIndex,
      appliedIndex: log.appliedIndex,
      persistedIndex: log.persistedIndex,
      last: { index: log.lastIndex, term: lastTermOf(log) },
      configuration: core.configuration,
      transferee: core.transferee,
    };
  }

  after(process: SimulatedProcess, effects: RaftActorEffects): void {
    const { core } = process.raft;
    if (core === null) return;
    if (this.#before === null) this.#checkOpened(process);
    const before = this.#before ?? bootOf(core);
    // A leader that was heard may be forgotten again within the turn, when its connection is reset.
    const knewLeader = core.leaderId !== null || this.#leaderTermHeard === core.currentTerm;
    if (knewLeader) this.#ledIn.set(process, core.currentTerm);
    this.#trace(process, core, before);
    this.#checkTerms(process, core, before);
    this.#checkAppends(process, core, before, effects);
    if (core.role === "leader" && (before.role !== "leader" || before.term !== core.currentTerm)) {
      this.#onElected(process, core, before);
    }
    if (core.log.commitIndex !== before.commitIndex || this.#before === null) this.#onCommit(process, core, before);
    this.#checkPointers(process, core, before);
    this.#checkBounds(process, core);
    if (core.role === "leader") this.#checkMatches(process, core);
    this.#cover(core, before, effects);
    for (const { message } of effects.toPeers) {
      this.#checkMessage(process, core, message);
      if (message.kind === "requestVoteResponse" && !message.voteGranted) this.#checkRefusal(process, core, message);
    }
  }

  #check(holds: boolean, invariant: string, message: () => string): void {
    this.#world.check(holds, invariant, message);
  }

  #trace({ id }: SimulatedProcess, core: RaftState, before: Before): void {
    const { trace } = this.#world;
    const { role, currentTerm, log } = core;
    if (role !== before.role || currentTerm !== before.term) {
      trace.note(role, id, "term last", currentTerm, log.lastIndex);
    }
    if (log.lastIndex !== before.last.index) trace.note("log", id, "last term", log.lastIndex, lastTermOf(log));
    if (log.commitIndex !== before.commitIndex) trace.note("commit", id, "index term", log.commitIndex, currentTerm);
    if (log.appliedIndex !== before.appliedIndex) trace.note("apply", id, "index", log.appliedIndex);
  }

  #cover({ role, leavingIndex }: RaftState, before: Before, effects: RaftActorEffects): void {
    const { coverage } = this.#world;
    if (effects.toLog.some(({ kind }) => kind === "compact")) coverage.sometimes("a log was compacted");
    if (effects.toIngress.some(({ kind }) => kind === "proposalRefused")) coverage.sometimes("a proposal was refused");
    if (role === "leader" && leavingIndex > 0) coverage.sometimes("a leader was removed");
    if (before.transferee !== null && role !== "leader") coverage.sometimes("leadership was transferred");
  }

  #checkTerms({ id }: SimulatedProcess, core: RaftState, before: Before): void {
    const { currentTerm, votedFor, role } = core;
    this.#check(
      currentTerm >= before.term,
      "Terms only grow",
      () => `${id} goes from ${before.term} to ${currentTerm}`,
    );
    if (before.role === "leader" && role !== "leader" && currentTerm === before.term) {
      this.#world.coverage.sometimes("a leader stepped down for want of a quorum");
    }
    if (
      this.#before === null ||
      votedFor === null ||
      votedFor === id ||
      (votedFor === before.votedFor && currentTerm === before.term)
    )
      return;
    const candidate = this.#candidates.get(`${votedFor}/${currentTerm}`);
    if (candidate === undefined) return;
    const own = { index: core.log.lastIndex, term: lastTermOf(core.log) };
    this.#check(
      !isBehind(candidate, before.last) || !isBehind(candidate, own),
      "Votes go to logs that are up-to-date",
      () => {
        return `${id} votes for ${votedFor} in term ${currentTerm}, whose log ends at (${candidate.index}, ${candidate.term})`;
      },
    );
  }

  /** New entries are noted; a leader's log only grows (Leader Append-Only). */
  #checkAppends({ id }: SimulatedProcess, core: RaftState, before: Before, effects: RaftActorEffects): void {
    const { log } = core;
    for (const append of effects.toLog) {
      if (append.kind !== "append" || append.firstIndex > log.lastIndex || append.entries.byteLength === 0) continue;
      const isReplaced = append.firstIndex <= before.last.index;
      if (isReplaced) this.#world.coverage.sometimes("a conflicting tail was replaced");
      const leads = before.role === "leader" && core.role === "leader" && before.term === core.currentTerm;
      this.#check(!(leads && isReplaced), "Leader Append-Only", () => {
        return `${id} leads in term ${core.currentTerm} and replaces its log from ${append.firstIndex} on`;
      });
      for (let index = Math.max(append.firstIndex, log.tailBase); index <= log.lastIndex; index += 1) {
        const entry = log.tail[index - log.tailBase];
        if (entry === undefined) continue;
        this.#ledger.noteEntry(id, entry, termAt(log, index - 1) ?? -1);
        if (entry.kind === "configuration" && core.role === "leader") this.#checkChange(id, core, index);
      }
    }
  }

  /** One change at a time: none is appended before the one before it is applied. */
  #checkChange(id: string, core: RaftState, changeIndex: number): void {
    const { log } = core;
    const committedTerm = termAt(log, log.commitIndex);
    this.#check(committedTerm === core.currentTerm, "No change before an entry of the own term", () => {
      return `${id} appends a change in term ${core.currentTerm}, and has committed none of it`;
    });
    for (let index = log.appliedIndex + 1; index < changeIndex; index += 1) {
      const entry = log.tail[index - log.tailBase];
      this.#check(entry?.kind !== "configuration", "One change of members at a time", () => {
        return `${id} appends a change at ${changeIndex}, and that at ${index} is not applied`;
      });
    }
  }

  /** A core begins only on a log that verifies. */
  #checkOpened({ id, machine }: SimulatedProcess): void {
    this.#check(!machine.rows.isDamaged, "Damage is noticed", () => `${id} begins with a log that has changed at rest`);
  }

  #onElected({ id }: SimulatedProcess, core: RaftState, before: Before): void {
    const { coverage } = this.#world;
    const { currentTerm } = core;
    const voters = [...this.#machines.keys()].filter((voter) => this.#hasVotedFor(voter, currentTerm, id));
    const hasWon = [core.configuration, before.configuration].some((halves) => isQuorum(halves, voters));
    this.#check(hasWon, "A leader has the votes of a quorum", () => {
      return `${id} leads in term ${currentTerm} by the votes of ${voters.join()}`;
    });
    this.#ledger.onLeader(id, core.currentTerm);
    this.#ledger.checkLeaderLog(id, core.currentTerm, core.log);
    coverage.sometimes(this.#ledger.elections > 1 ? "a second leader was elected" : "a leader was elected");
    if (isJoint(core.configuration)) coverage.sometimes("an election in a joint configuration");
    if ([...this.#machines.values()].some(({ process }) => (process?.raft.core?.transferee ?? null) !== null)) {
      coverage.sometimes("an election during a transfer");
    }
  }

  #onCommit({ id }: SimulatedProcess, core: RaftState, before: Before): void {
    const { log, currentTerm } = core;
    const { commitIndex } = log;
    const leads = core.role === "leader" && before.role === "leader" && before.term === currentTerm;
    if (leads && commitIndex > before.commitIndex) {
      this.#check(termAt(log, commitIndex) === currentTerm, "Only entries of the current term are counted", () => {
        return `${id} commits entry ${commitIndex} of term ${termAt(log, commitIndex) ?? 0} in term ${currentTerm}`;
      });
      const holders = [...this.#machines.keys()].filter((id) => this.#holds(id, commitIndex, currentTerm));
      const isHeld = [core.configuration, before.configuration].some((halves) => isQuorum(halves, holders));
      this.#check(isHeld, "Committed is durable", () => {
        return `${id} commits entry ${commitIndex} of term ${currentTerm}, which no quorum has on its disks`;
      });
    }
    this.#ledger.noteCommit(id, log, currentTerm);
  }

  /** One's own vote is told nobody, unless there are others to be asked. */
  #hasVotedFor(voter: string, term: number, candidate: string): boolean {
    if (this.#votes.get(`${voter}/${term}`) === candidate) return true;
    const held = voter === candidate ? this.#machines.get(voter)?.rows.durableHardState() : null;
    return held?.currentTerm === term && held.votedFor === candidate;
  }

  /** What a leader knows of a member's log never goes back within its term (Figure 2, matchIndex). */
  #checkMatches(process: SimulatedProcess, core: RaftState): void {
    const { id } = process;
    const remembered = this.#matchesOf.get(process);
    const isOfTerm = remembered?.term === core.currentTerm;
    const known = isOfTerm ? remembered.known : new Map<string, number>();
    if (!isOfTerm) this.#matchesOf.set(process, { term: core.currentTerm, known });
    for (const { id: member, matchIndex } of core.progress) {
      const before = known.get(member) ?? 0;
      this.#check(matchIndex >= before, "matchIndex never goes back", () => {
        return `${id} knows ${before} entries of ${member} in term ${core.currentTerm}, then ${matchIndex}`;
      });
      known.set(member, matchIndex);
    }
    if (known.size === core.progress.length) return;
    for (const member of known.keys()) if (!core.progress.some((one) => one.id === member)) known.delete(member);
  }

  /** Is the entry on that node's disk, whatever happens? */
  #holds(nodeId: string, index: number, term: number): boolean {
    const rows = this.#machines.get(nodeId)?.rows;
    if (rows === undefined) return false;
    if ((rows.durableStart()?.link.index ?? 0) > index) return true;
    return rows.durableTerm(index) === term;
  }

  #checkPointers({ id, machine }: SimulatedProcess, core: RaftState, before: Before): void {
    const { log, installing } = core;
    const { commitIndex, appliedIndex, persistedIndex } = log;
    const inOrder = appliedIndex <= Math.min(commitIndex, persistedIndex) && commitIndex <= log.lastIndex;
    const goesOn = commitIndex >= before.commitIndex && appliedIndex >= before.appliedIndex;
    this.#check(inOrder && goesOn, "Order of pointers", () => {
      return `${id} stands at applied ${appliedIndex}, commit ${commitIndex}, persisted ${persistedIndex}, last ${log.lastIndex}`;
    });
    if (installing !== null || persistedIndex === before.persistedIndex || persistedIndex <= log.startIndex) return;
    const durable = machine.rows.durableTerm(persistedIndex);
    const isCovered = (machine.rows.durableStart()?.link.index ?? 0) >= persistedIndex;
    this.#check(isCovered || durable === termAt(log, persistedIndex), "Acknowledged is durable", () => {
      return `${id} takes entry ${persistedIndex} for durable, and the disk has ${durable ?? "nothing"} there`;
    });
  }

  #checkBounds({ id }: SimulatedProcess, core: RaftState): void {
    const { options, applying, uncommittedBytes, log } = core;
    // What is read back from disk comes an append at a time, counted without what the core adds an entry.
    const atOnce = 4 * options.appendBytesMax + 2 * this.#world.swarm.valueBytesMax + 5_000;
    this.#check(applying.bytes <= options.applyingBytesMax + atOnce, "Bounds are kept", () => {
      return `${id} has handed ${applying.bytes} bytes to its state`;
    });
    if (core.role !== "leader") return;
    if (log.tailBase <= log.appliedIndex + 1) {
      const unapplied = unappliedBytes(log);
      this.#check(uncommittedBytes >= 0 && uncommittedBytes <= unapplied + applying.bytes, "Bounds are kept", () => {
        return `${id} counts ${uncommittedBytes} uncommitted bytes, and holds ${unapplied}`;
      });
    }
    for (const { id: member, inflights } of core.progress) {
      this.#check(inflightMessages(inflights) <= options.inflightMessagesMax, "Bounds are kept", () => {
        return `${id} has ${inflightMessages(inflights)} appends under way to ${member}`;
      });
    }
  }

  /** What leaves rests on what the disk already holds. */
  #checkMessage({ id, machine }: SimulatedProcess, core: RaftState, message: Message): void {
    const isOfCampaign = message.kind === "preVoteRequest" || message.kind === "preVoteResponse";
    if (message.kind === "preVoteResponse" && !message.voteGranted) {
      this.#world.coverage.sometimes("a pre-vote was refused");
    }
    if (message.kind === "forwardedProposal") this.#world.coverage.sometimes("a proposal was handed on");
    if (isOfCampaign) return;
    const held = machine.rows.durableHardState();
    this.#check((held?.currentTerm ?? 0) >= message.term, "Durable term and vote", () => {
      return `${id} sends ${message.kind} of term ${message.term}, and the disk has term ${held?.currentTerm ?? 0}`;
    });
    if (message.kind === "requestVoteRequest") {
      const { lastLogIndex: index, lastLogTerm: term } = message;
      this.#candidates.set(`${id}/${message.term}`, { index, term });
      this.#noteVote(id, message.term, id, held);
    } else if (message.kind === "requestVoteResponse" && message.voteGranted) {
      this.#noteVote(id, message.term, message.to, held);
    } else if (message.kind === "appendEntriesMatched") {
      this.#checkAcknowledgement(id, core, message.to, message.term, message.matchIndex);
    }
  }

  #noteVote(
    id: string,
    term: number,
    candidate: string,
    held: { readonly currentTerm: number; readonly votedFor: string | null } | null,
  ): void {
    const isDurable = held !== null && (held.currentTerm > term || held.votedFor === candidate);
    this.#check(isDurable, "Durable term and vote", () => {
      return `${id} votes for ${candidate} in term ${term}, and the disk has a vote for ${held?.votedFor ?? "nobody"}`;
    });
    const name = `${id}/${term}`;
    const given = this.#votes.get(name);
    this.#check(given === undefined || given === candidate, "One vote a term", () => {
      return `${id} votes for ${given ?? ""} and ${candidate} in term ${term}`;
    });
    this.#votes.set(name, candidate);
  }

  /** Who has not voted and knows no leader votes for a log that is up-to-date (Figure 2, RequestVote RPC, receiver 2). */
  #checkRefusal(process: SimulatedProcess, core: RaftState, { to, term }: Message): void {
    const mayVote = core.currentTerm === term && core.votedFor === null && this.#ledIn.get(process) !== term;
    const candidate = this.#candidates.get(`${to}/${term}`);
    // A request of an earlier term is refused in the present one.
    if (!mayVote || candidate === undefined || !this.#asked.has(`${process.id}/${to}/${term}`)) return;
    const own = { index: core.log.lastIndex, term: lastTermOf(core.log) };
    this.#check(isBehind(candidate, own), "A vote is refused for a reason", () => {
      return `${process.id} refuses ${to} its vote in term ${term}, and its log ends at (${own.index}, ${own.term})`;
    });
  }

  /**
   * An acknowledged entry is on this node's disk, and is the leader's: unless the leader of a later term has replaced it
   * in the same turn. One write for both is as good as two, after the first of which the acknowledgement was delayed.
   */
  #checkAcknowledgement(id: string, core: RaftState, to: string, term: number, matchIndex: number): void {
    if ((termAt(core.log, Math.min(matchIndex, core.log.lastIndex)) ?? 0) > term) return;
    const leader = this.#machines.get(to)?.process?.raft.core;
    const held = leader?.currentTerm === term && leader.role === "leader" ? termAt(leader.log, matchIndex) : null;
    const expected = held ?? (term === core.currentTerm ? termAt(core.log, matchIndex) : null);
    if (matchIndex === 0 || expected === null) return;
    this.#check(this.#holds(id, matchIndex, expected), "Acknowledged is durable", () => {
      return `${id} acknowledges entry ${matchIndex} of term ${expected} to ${to}, which is not on its disk`;
    });
  }
}

/** Of the entries of the tail that are not applied. */
function unappliedBytes({ tail, tailBase, appliedIndex }: RaftLog): number {
  let bytes = 0;
  for (let at = appliedIndex + 1 - tailBase; at < tail.length; at += 1) {
    const entry = tail[at];
    if (entry !== undefined) bytes += entryBytes(entry);
  }
  return bytes;
}

function bootOf(core: RaftState): Before {
  const { log } = core;
  return {
    role: "follower",
    term: 0,
    votedFor: null,
    commitIndex: 0,
    appliedIndex: 0,
    persistedIndex: log.persistedIndex,
    last: { index: log.lastIndex, term: lastTermOf(log) },
    configuration: core.configuration,
    transferee: null,
  };
}
