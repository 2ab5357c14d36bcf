/**
 * @module
 * Where a node stands, read from its board, and what its log lines say of that.
 */

import type { Board } from "../actor/board.ts";
import { roleNumbers } from "../actors/protocol/role-number.ts";
import type { LogLine, NodeStanding } from "./options.ts";

const roles: readonly NodeStanding["role"][] = ["follower", "preCandidate", "candidate", "leader"];

export function standingOn(board: Board): NodeStanding {
  const number = board.get("role");
  return {
    role: roles.find((role) => roleNumbers[role] === number) ?? "follower",
    term: board.get("term"),
    commitIndex: board.get("commitIndex"),
    appliedIndex: board.get("appliedIndex"),
    snapshotIndex: board.get("snapshotIndex"),
  };
}

/** Of a line that no actor says; nothing as long as the node knows no term. */
export function standingFields({ term, commitIndex }: NodeStanding): LogLine["fields"] {
  return term === 0 ? {} : { term, index: commitIndex };
}
