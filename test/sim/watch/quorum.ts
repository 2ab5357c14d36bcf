/**
 * @module
 * Quorums and the order of logs, written down a second time: the core is not held against its own counting (§5.4.1, §6).
 */

import type { Configuration, EntryId } from "../../../src/raft/types.ts";

/** Would these nodes alone be a quorum? */
export function isQuorum({ voters, votersOutgoing }: Configuration, nodes: readonly string[]): boolean {
  const isMajority = (half: readonly string[]): boolean =>
    half.length === 0 || 2 * half.filter((id) => nodes.includes(id)).length > half.length;
  return isMajority(voters) && isMajority(votersOutgoing);
}

/** Does a log that ends at `one` lack what one that ends at `other` may have committed? */
export function isBehind(one: EntryId, other: EntryId): boolean {
  return one.term === other.term ? one.index < other.index : one.term < other.term;
}
