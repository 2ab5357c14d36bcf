/**
 * @module
 * The first node of a cluster founds it by an entry that makes it the only voter.
 */

import { assert } from "./assert.ts";
import { appendToLog } from "./log.ts";
import { becomeFollower } from "./role.ts";
import type { RaftState } from "./state.ts";
import type { Member } from "./types.ts";

/**
 * Begins term 1 with a configuration entry, committed as soon as it is durable, since nobody else could
 * object. Only on a core that has never held anything. It campaigns when the entry is applied.
 *
 * The entry is the first of every log of this cluster, which is how a node that has it and no members yet
 * knows after a restart that it is committed.
 */
export function bootstrap(state: RaftState, member: Member): void {
  const { log } = state;
  assert(log.lastIndex === 0 && state.currentTerm === 0, "only an empty node founds a cluster");
  becomeFollower(state, 1, null);
  const change = { steps: [{ kind: "addVoter", nodeId: state.id, member }], transition: "auto" } as const;
  appendToLog(log, { kind: "configuration", term: 1, index: 1, time: 0, change });
  log.commitIndex = 1;
}
