/**
 * @module
 * What is true of the whole cluster, though no node knows it: every entry that was ever in a log, which of them are
 * committed, who led which term, and the configurations that followed each other.
 */

import { changed } from "../../../src/raft/configuration.ts";
import type { RaftLog } from "../../../src/raft/log.ts";
import { termAt } from "../../../src/raft/term-runs.ts";
import { type Configuration, type Entry, emptyConfiguration } from "../../../src/raft/types.ts";
import type { World } from "../world.ts";
import { Model } from "./model.ts";

interface KnownEntry {
  readonly entry: Entry;
  readonly previousTerm: number;
  /** When it was first seen in a log: its leader's. */
  readonly appendedUs: number;
}

interface CommittedEntry {
  readonly term: number;
  /** The term of the leader that committed it. */
  readonly committedIn: number;
}

export class Ledger {
  readonly model: Model;
  readonly #world: World;
  /** By index, then one a term. */
  readonly #entries: KnownEntry[][] = [];
  /** By index; nothing at 0. */
  readonly #committed: CommittedEntry[] = [{ term: 0, committedIn: 0 }];
  readonly #leaders = new Map<number, string>();
  /** Each with the index from which it counts. */
  readonly configurations: { readonly index: number; readonly configuration: Configuration }[] = [
    { index: 0, configuration: emptyConfiguration },
  ];

  constructor(world: World) {
    this.#world = world;
    this.model = new Model(world);
  }

  get commitIndex(): number {
    return this.#committed.length - 1;
  }

  get configuration(): Configuration {
    return this.configurations.at(-1)?.configuration ?? emptyConfiguration;
  }

  /** How many terms had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** Election Safety (§5.2). */
  onLeader(node: string, term: number): void {
    const known = this.#leaders.get(term);
    const message = (): string => `${known ?? "?"} and ${node} both lead in term ${term}`;
    this.#world.check(known === undefined || known === node, "Election Safety", message);
    this.#leaders.set(term, node);
  }

  /** Leader Completeness (§5.4): what was committed in earlier terms is in the log of whoever leads `term`. */
  checkLeaderLog(node: string, term: number, log: RaftLog): void {
    let index = this.commitIndex;
    while (index > 0 && (this.#committed[index]?.committedIn ?? 0) >= term) index -= 1;
    if (index <= log.startIndex) return;
    const held = termAt(log, index);
    this.#world.check(held === this.#committed[index]?.term, "Leader Completeness", () => {
      return `${node} leads in term ${term}, and its entry ${index} is of term ${held ?? "none"}, the committed one of ${this.#committed[index]?.term ?? 0}`;
    });
  }

  /** Log Matching (§5.3): the same index and term, the same entry, after an entry of the same term. */
  noteEntry(node: string, entry: Entry, previousTerm: number): void {
    const sameIndex = (this.#entries[entry.index] ??= []);
    const known = sameIndex.find((one) => one.entry.term === entry.term);
    if (known === undefined) {
      sameIndex.push({ entry, previousTerm, appendedUs: this.#world.now });
      return;
    }
    const matches = known.previousTerm === previousTerm && isSameEntry(known.entry, entry);
    this.#world.check(
      matches,
      "Log Matching",
      () =>
        `${node} holds another entry (${entry.index}, ${entry.term}): ${described(entry)} after term ${previousTerm}, not ${described(known.entry)} after term ${known.previousTerm}`,
    );
  }

  /** State Machine Safety (§5.4.3), and what a commit adds to what everybody must agree on. */
  noteCommit(node: string, log: RaftLog, currentTerm: number): void {
    const { commitIndex } = log;
    while (this.commitIndex < commitIndex) this.#commitNext(node, log, currentTerm);
    if (commitIndex < log.startIndex) return;
    const held = termAt(log, commitIndex);
    this.#world.check(held === this.#committed[commitIndex]?.term, "State Machine Safety", () => {
      return `${node} has committed entry ${commitIndex} of term ${held ?? "none"}, others that of term ${this.#committed[commitIndex]?.term ?? 0}`;
    });
  }

  committedTerm(index: number): number | undefined {
    return this.#committed[index]?.term;
  }

  #commitNext(node: string, log: RaftLog, committedIn: number): void {
    const index = this.commitIndex + 1;
    const term = termAt(log, index);
    const known = this.#entries[index]?.find(({ entry }) => entry.term === term);
    this.#world.check(known !== undefined && term !== null, "Committed entries are known", () => {
      return `${node} commits entry ${index} of term ${term ?? "none"}, which no log ever held`;
    });
    if (known === undefined || term === null) return;
    this.#committed.push({ term, committedIn });
    if (known.entry.kind === "configuration") {
      const configuration = changed(this.configuration, known.entry.change);
      this.#world.check(doQuorumsOverlap(this.configuration, configuration), "Quorums overlap", () => {
        return `entry ${index} goes from ${listed(this.configuration)} to ${listed(configuration)}`;
      });
      this.#note(configuration);
      this.configurations.push({ index, configuration });
    }
    this.model.apply(known.entry, known.appendedUs);
  }

  #note(configuration: Configuration): void {
    const wasJoint = this.configuration.votersOutgoing.length > 0;
    const isJoint = configuration.votersOutgoing.length > 0;
    if (isJoint && !wasJoint) this.#world.coverage.sometimes("a joint configuration was entered");
    if (wasJoint && !isJoint) this.#world.coverage.sometimes("a joint configuration was left");
  }
}

function isSameEntry(one: Entry, other: Entry): boolean {
  if (one.kind !== other.kind || one.time !== other.time) return false;
  if (one.kind === "command" && other.kind === "command") return Buffer.compare(one.command, other.command) === 0;
  if (one.kind === "configuration" && other.kind === "configuration") {
    return JSON.stringify(one.change) === JSON.stringify(other.change);
  }
  return true;
}

function described(entry: Entry): string {
  const what = entry.kind === "configuration" ? JSON.stringify(entry.change) : entry.kind;
  return `${what} of ${entry.time} ms`;
}

/** Of two configurations that follow each other (dissertation §4.1, §4.3). */
function doQuorumsOverlap(before: Configuration, after: Configuration): boolean {
  if (before.voters.length === 0) return after.voters.length === 1;
  if (before.votersOutgoing.length > 0)
    return after.votersOutgoing.length > 0 || isSameList(before.voters, after.voters);
  if (after.votersOutgoing.length > 0) return isSameList(before.voters, after.votersOutgoing);
  const kept = after.voters.filter((id) => before.voters.includes(id)).length;
  return before.voters.length + after.voters.length - 2 * kept <= 1;
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}

function listed({ voters, votersOutgoing }: Configuration): string {
  return votersOutgoing.length === 0 ? `[${voters.join()}]` : `[${voters.join()}]&[${votersOutgoing.join()}]`;
}
