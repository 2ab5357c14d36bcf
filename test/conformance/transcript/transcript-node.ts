/**
 * @module
 * One core as the transcripts see it: a turn per input, and the effects of all turns since the last Ready as one.
 */

import { onApplied } from "../../../src/raft/apply.ts";
import { collect } from "../../../src/raft/collect.ts";
import type { Append } from "../../../src/raft/effect.ts";
import type { Input } from "../../../src/raft/input.ts";
import type { Message } from "../../../src/raft/message.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { createRaft, type RaftState } from "../../../src/raft/state.ts";
import { step } from "../../../src/raft/step.ts";
import type { Configuration, Entry, LogIndex, NodeId, SnapshotMetadata } from "../../../src/raft/types.ts";
import { noSnapshot } from "../../support/core-node.ts";
import { describeHardState, describeRole, type HardStateView, isAnswerToWrite } from "./describe.ts";
import { divergences } from "./divergence.ts";

/** All that one Ready shows, and what its owner does with it. */
export interface Ready {
  readonly softState: string | null;
  readonly hardState: HardStateView | null;
  readonly mustSync: boolean;
  readonly entries: readonly Entry[];
  readonly snapshot: SnapshotMetadata | null;
  readonly committed: readonly Entry[];
  /** In the order in which the core made them. */
  readonly messages: readonly Message[];
  /** Answers that wait for the write; at a leader or candidate its own among them, as text. */
  readonly answers: readonly (Message | OwnAnswer)[];
  /** To be acknowledged in this order. */
  readonly appends: Append[];
}

/** What a node of the transcripts tells itself when its write is durable; ours needs no message for that. */
export interface OwnAnswer {
  readonly kind: "own";
  readonly text: string;
}

export class TranscriptNode {
  readonly id: NodeId;
  readonly state: RaftState;
  /** Writes and executions are somebody else's work. */
  readonly isAsync: boolean;
  #shownRole: string;
  #shownHardState: HardStateView;
  #entries: Entry[] = [];
  #committed: Entry[] = [];
  #messages: Message[] = [];
  #answers: (Message | OwnAnswer)[] = [];
  #appends: Append[] = [];
  #installing: SnapshotMetadata | null = null;
  readonly #seen = new WeakSet<Message>();
  readonly #released = new WeakSet<Message>();

  constructor(options: RaftOptions, start: { index: LogIndex; configuration: Configuration; isAsync: boolean }) {
    const { index, configuration } = start;
    const snapshot = { ...noSnapshot, lastIncludedIndex: index, configuration };
    this.id = options.id;
    this.isAsync = start.isAsync;
    this.state = createRaft(options, {
      hardState: { currentTerm: 0, votedFor: null },
      snapshot,
      logStart: { index, term: 0 },
      termRuns: [],
      lastIndex: index,
      lastTime: 0,
      appliedIndex: index,
      configuration,
    });
    // The transcripts begin with a snapshot of term 1 on nodes of term 0, which no disk of ours can hold.
    if (index > 0) this.state.log.startTerm = 1;
    this.state.snapshot = { ...snapshot, lastIncludedTerm: index > 0 ? 1 : 0 };
    this.#shownRole = this.#role();
    this.#shownHardState = this.#hardState();
  }

  /** One input is one turn. Gives why a proposal was refused, if one was. */
  step(input: Input): string | null {
    step(this.state, input);
    return this.#turn();
  }

  hasReady(): boolean {
    const pending = [this.#entries, this.#committed, this.#messages, this.#answers];
    return (
      pending.some((items) => items.length > 0) ||
      this.#installing !== null ||
      this.#role() !== this.#shownRole ||
      describeHardState(this.#hardState()) !== describeHardState(this.#shownHardState)
    );
  }

  /** All effects since the last one. Unless writes are somebody else's work, all of it is durable when this returns. */
  takeReady(): Ready {
    const hardState = this.#hardState();
    const shown = this.#shownHardState;
    const hasHardStateChanged = describeHardState(hardState) !== describeHardState(shown);
    const role = this.#role();
    const hasTermChanged = hardState.currentTerm !== shown.currentTerm || hardState.votedFor !== shown.votedFor;
    const taken = {
      softState: role === this.#shownRole ? null : role,
      hardState: hasHardStateChanged ? hardState : null,
      mustSync: this.#entries.length > 0 || hasTermChanged,
      entries: this.#entries,
      snapshot: this.#installing,
      messages: this.#messages,
      answers: this.#answers,
      appends: this.#appends,
    };
    this.#shownRole = role;
    this.#shownHardState = hardState;
    this.#entries = [];
    this.#messages = [];
    this.#answers = [];
    this.#appends = [];
    if (this.isAsync) {
      this.#acknowledgeTerm(taken.appends);
      return { ...taken, committed: this.#takeCommitted(Number.POSITIVE_INFINITY) };
    }
    for (const append of taken.appends) this.acknowledge(append);
    const answers = [...taken.answers, ...this.#install()];
    return { ...taken, answers, committed: this.#takeCommitted(hardState.commitIndex) };
  }

  /** The write is durable. */
  acknowledge({ writeId, term, lastIndex }: Append): void {
    this.step({ kind: "persisted", writeId, term, lastIndex });
  }

  /** The state machine has executed these; a snapshot of it is always at hand. */
  apply(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    // A change of members counts before the execution is reported: what follows from each goes out on its own.
    onApplied(this.state, last.index);
    this.#turn();
    this.step({ kind: "applied", index: last.index });
    const snapshot: SnapshotMetadata = {
      lastIncludedIndex: last.index,
      lastIncludedTerm: last.term,
      lastIncludedTime: last.time,
      configuration: this.state.configuration,
    };
    this.step({ kind: "snapshotTaken", snapshot });
  }

  /** Has the core let the message go? */
  isReleased(message: Message): boolean {
    return this.#released.has(message);
  }

  /** Term and vote are written at once where that overtakes nothing: only entries wait for the thread. */
  #acknowledgeTerm(appends: Append[]): void {
    const { pending } = this.state.writes;
    for (let first = appends[0]; first !== undefined && first.entries.length === 0; first = appends[0]) {
      if (pending[0]?.writeId !== first.writeId) return;
      appends.shift();
      this.acknowledge(first);
    }
  }

  #install(): (Message | OwnAnswer)[] {
    const snapshot = this.#installing;
    if (snapshot === null) return [];
    this.#installing = null;
    this.step({ kind: "snapshotInstalled", snapshot });
    return this.#answers.splice(0);
  }

  #turn(): string | null {
    const effects = collect(this.state);
    const { append, installSnapshot } = effects;
    if (append !== null) {
      this.#appends.push(append);
      this.#entries.push(...append.entries);
    }
    if (installSnapshot !== null) this.#installing = installSnapshot;
    this.#committed.push(...effects.apply);
    for (const message of effects.messages) this.#released.add(message);
    const sent = effects.sendSnapshots.map(({ message }) => message);
    for (const message of sent) this.#released.add(message);
    const held = this.state.writes.held.map(({ message }) => message);
    this.#takeNew([...effects.messages, ...held, ...sent]);
    if (append !== null) this.#answerItself(append);
    if (this.state.leavingIndex > 0) throw divergences.leaving();
    return effects.proposalsRefused[0]?.reason ?? null;
  }

  #takeNew(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#seen.has(message)) continue;
      this.#seen.add(message);
      if (isAnswerToWrite(message)) this.#answers.push(message);
      else this.#messages.push(message);
    }
  }

  #answerItself({ entries, hardState }: Append): void {
    if (!this.isAsync) return;
    const { role, currentTerm } = this.state;
    const itself = `${Number(this.id)}->${Number(this.id)}`;
    const last = entries.at(-1);
    const own = (text: string): void => {
      this.#answers.push({ kind: "own", text: `${itself} ${text}` });
    };
    if (role === "candidate" && hardState?.votedFor === this.id) own(`MsgVoteResp Term:${currentTerm} Log:0/0`);
    if (role === "leader" && last !== undefined) own(`MsgAppResp Term:${currentTerm} Log:0/${last.index}`);
  }

  #takeCommitted(upTo: LogIndex): Entry[] {
    const taken = this.#committed.filter(({ index }) => index <= upTo);
    this.#committed = this.#committed.filter(({ index }) => index > upTo);
    return taken;
  }

  #role(): string {
    return `Lead:${Number(this.state.leaderId ?? 0)} State:${describeRole(this.state.role)}`;
  }

  #hardState(): HardStateView {
    const { currentTerm, votedFor, log, installing } = this.state;
    const commitIndex = Math.max(log.commitIndex, installing?.lastIncludedIndex ?? 0);
    return { currentTerm, votedFor, commitIndex };
  }
}
