/**
 * @module
 * How roles stand on the board.
 */

import type { Role } from "../../raft/types.ts";

export const roleNumbers: Readonly<Record<Role, number>> = { follower: 0, preCandidate: 1, candidate: 2, leader: 3 };
