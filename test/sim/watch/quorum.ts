/**
 * @module
 * Quorums, written down a second time: the core is not held against its own counting (§6).
 */

import type { Configuration } from "../../../src/raft/types.ts";

/** Would these nodes alone be a quorum? */
export function isQuorum({ voters, votersOutgoing }: Configuration, nodes: readonly string[]): boolean {
  const isMajority = (half: readonly string[]): boolean =>
    half.length === 0 || 2 * half.filter((id) => nodes.includes(id)).length > half.length;
  return isMajority(voters) && isMajority(votersOutgoing);
}
