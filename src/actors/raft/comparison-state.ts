/**
 * @module
 * What a node keeps to compare its state with others'.
 */

import type { StateMark } from "../../kv/mark.ts";
import type { NodeId } from "../../raft/types.ts";
import type { StateMismatch } from "../protocol/ingress-raft.ts";

export interface Comparison {
  /** This node's newest, ascending; as many as `ownMarksMax`. */
  own: readonly StateMark[];
  /** While this node leads: the newest of each other member. */
  readonly heard: Map<NodeId, StateMark>;
  /** While this node leads; one a member. Replaced, never changed. */
  alarms: readonly StateMismatch[];
}

export function createComparison(): Comparison {
  return { own: [], heard: new Map(), alarms: [] };
}
