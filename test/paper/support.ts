/**
 * @module
 * Logs and situations of the paper's figures, as disks to boot from.
 */

import type { RaftOptions } from "../../src/raft/options.ts";
import type { CommandEntry, Entry } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText, type CoreNode } from "../support/core-node.ts";

/** A log by the terms of its entries, from index 1. */
export function logOf(...terms: readonly number[]): Entry[] {
  return terms.map((term, position) => commandEntry(term, position + 1));
}

export function commandEntry(term: number, index: number): CommandEntry {
  return { kind: "command", term, index, time: 0, command: bytesOfText(`${term}@${index}`) };
}

/** Gives a node a log and a term, as if it had crashed with them. */
export function bootWith(node: CoreNode, terms: readonly number[], currentTerm: number = terms.at(-1) ?? 0): void {
  node.crash();
  node.disk.entries = logOf(...terms);
  node.disk.hardState = { currentTerm, votedFor: null };
  node.restart();
}

/** Three nodes of which `a` leads in term 1, settled. */
export function ledByA(ids: readonly string[] = ["a", "b", "c"], changes: Partial<RaftOptions> = {}): CoreCluster {
  const cluster = new CoreCluster(ids, changes);
  cluster.elect("a");
  return cluster;
}

/** The terms of a node's log on disk. */
export function termsOf(node: CoreNode): number[] {
  return node.disk.entries.map(({ term }) => term);
}
