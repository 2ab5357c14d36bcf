/**
 * @module
 * The invariants of Figure 3, and those of durability and reads, held against every node after every step.
 */

import type { Effects } from "../../src/raft/effect.ts";
import type { Message } from "../../src/raft/message.ts";
import { termAt } from "../../src/raft/term-runs.ts";
import type { Configuration, Entry } from "../../src/raft/types.ts";
import type { CoreCluster } from "../support/core-cluster.ts";
import type { CoreNode } from "../support/core-node.ts";

export interface Counts {
  elections: number;
  truncations: number;
  applied: number;
  reads: number;
  installs: number;
  changes: number;
  joint: number;
}

export class SafetyViolation extends Error {}

function require(condition: boolean, invariant: string): void {
  if (!condition) throw new SafetyViolation(invariant);
}

export class SafetyChecker {
  readonly #cluster: CoreCluster;
  readonly #leaders = new Map<number, string>();
  /** What entry the id belongs to, and the term of the one before it: the same on every node. */
  readonly #entries = new Map<string, { readonly entry: Entry; readonly previousTerm: number | null }>();
  readonly #applied = new Map<number, Entry>();
  #committed = 0;
  /** As of the node's last turn. */
  readonly #configurationOf = new Map<string, Configuration>();
  readonly #commitOf = new Map<string, number>();
  /** The highest commit index anywhere when a read was asked, by node and read. */
  readonly #asked = new Map<string, number>();
  /** How often each thing that a run is to provoke has come up. */
  readonly counts: Counts = {
    elections: 0,
    truncations: 0,
    applied: 0,
    reads: 0,
    installs: 0,
    changes: 0,
    joint: 0,
  };

  constructor(cluster: CoreCluster) {
    this.#cluster = cluster;
  }

  onReadAsked(node: CoreNode, readId: number): void {
    this.#asked.set(`${node.id}/${readId}`, this.#committed);
  }

  onRestart(node: CoreNode): void {
    this.#commitOf.delete(node.id);
  }

  onTurn(node: CoreNode, effects: Effects): void {
    this.#checkLeader(node);
    this.#checkWrites(node, effects);
    for (const message of effects.messages) this.#checkMessage(node, message);
    this.#checkCommit(node);
    this.#configurationOf.set(node.id, node.state.configuration);
    for (const entry of effects.apply) this.#checkApplied(node, entry);
    for (const { readId, readIndex } of effects.readsGranted) {
      this.counts.reads += 1;
      require(readIndex >=
        (this.#asked.get(`${node.id}/${readId}`) ?? 0), "a read reflects what was committed before it");
    }
    if (effects.installSnapshot !== null) this.counts.installs += 1;
    if (effects.configurationChanged) {
      this.counts.changes += 1;
      if (node.state.configuration.votersOutgoing.length > 0) this.counts.joint += 1;
    }
  }

  /** Election Safety and Leader Completeness (§5.2, §5.4). */
  #checkLeader({ id, state }: CoreNode): void {
    if (state.role !== "leader") return;
    const known = this.#leaders.get(state.currentTerm);
    require(known === undefined || known === id, "at most one leader is elected in a term");
    if (known === id) return;
    this.#leaders.set(state.currentTerm, id);
    this.counts.elections += 1;
    require(state.log.lastIndex > this.#committed, "a leader has every committed entry");
    for (const [index, entry] of this.#applied) {
      if (index > state.log.startIndex)
        require(termAt(state.log, index) === entry.term, "a leader has every applied entry");
    }
  }

  /** Log Matching (§5.3): one id, one entry, one predecessor. */
  #checkWrites({ disk, state }: CoreNode, { append }: Effects): void {
    const first = append?.entries[0];
    if (append === null || first === undefined) return;
    if (first.index <= disk.startIndex + disk.entries.length) this.counts.truncations += 1;
    for (const entry of append.entries) {
      const key = `${entry.term}@${entry.index}`;
      const previousTerm = termAt(state.log, entry.index - 1);
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { entry, previousTerm });
      else
        require(known.entry === entry &&
          known.previousTerm === previousTerm, "logs that share an entry share what is before it");
    }
  }

  /** Figure 2, persistent state: durable before any message of it leaves. */
  #checkMessage({ disk }: CoreNode, message: Message): void {
    const { currentTerm, votedFor } = disk.hardState;
    const isPreVote = message.kind === "preVoteRequest" || message.kind === "preVoteResponse";
    require(isPreVote || message.term <= currentTerm, "a term is durable before a message of it leaves");
    if (message.kind === "requestVoteResponse" && message.voteGranted && message.term === currentTerm) {
      require(votedFor === message.to, "a vote is durable before it leaves");
    }
    if (message.kind === "requestVoteRequest" && message.term === currentTerm) {
      require(votedFor === message.from, "a candidate's own vote is durable before it asks for others");
    }
    if (message.kind === "appendEntriesMatched" && message.term === currentTerm) {
      const lastIndex = disk.startIndex + disk.entries.length;
      require(message.matchIndex <= lastIndex, "entries are durable before they are acknowledged");
    }
  }

  /** Committed is durable on a quorum's disks, and never goes back. */
  #checkCommit({ id, state }: CoreNode): void {
    const { commitIndex } = state.log;
    const before = this.#commitOf.get(id) ?? 0;
    require(commitIndex >= before, "the commit index never goes back");
    this.#commitOf.set(id, commitIndex);
    if (commitIndex <= this.#committed) return;
    this.#committed = commitIndex;
    // Whoever counted it may have stepped down in the same turn, and others have heard of it.
    if (state.role !== "leader" || commitIndex === before) return;
    const term = termAt(state.log, commitIndex);
    const holders = this.#cluster.nodes.filter(({ disk }) => {
      if (commitIndex <= disk.startIndex) return true;
      return disk.entries[commitIndex - disk.startIndex - 1]?.term === term;
    });
    // It may have been counted before a change that was applied in the same turn.
    const counted = [this.#configurationOf.get(id) ?? state.configuration, state.configuration];
    require(counted.some((configuration) =>
      isQuorum(
        configuration,
        holders.map((holder) => holder.id),
      ),
    ), "what is committed is on a quorum's disks");
  }

  /** State Machine Safety (§5.4.3). */
  #checkApplied({ disk }: CoreNode, entry: Entry): void {
    this.counts.applied += 1;
    const known = this.#applied.get(entry.index);
    if (known === undefined) this.#applied.set(entry.index, entry);
    else require(known === entry, "all nodes apply the same entry at an index");
    const onDisk = disk.entries[entry.index - disk.startIndex - 1];
    require(onDisk === entry || entry.index <= disk.startIndex, "nothing is applied before it is durable here");
  }
}

function isQuorum({ voters, votersOutgoing }: Configuration, holders: readonly string[]): boolean {
  return [voters, votersOutgoing].every(
    (half) => half.length === 0 || half.filter((voter) => holders.includes(voter)).length * 2 > half.length,
  );
}
