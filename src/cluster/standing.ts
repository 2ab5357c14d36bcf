/**
 * @module
 * Where a node stands, read from its board.
 */

import type { Board } from "../actor/board.ts";
import { roleNumbers } from "../actors/protocol/role-number.ts";
import type { NodeStanding } from "./options.ts";

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
