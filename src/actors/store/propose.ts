/**
 * @module
 * Commands of the leader's store itself. Nobody waits for their results, and each is harmless when it comes late,
 * twice or not at all.
 */

import { encodeCommand } from "../../codec/command.ts";
import type { Operation } from "../../kv/command.ts";
import type { StoreState } from "./state.ts";

export function propose(state: StoreState, operation: Operation): void {
  const command = encodeCommand({ origin: 0, sequence: 1, operation });
  state.outbox.toRaft.push({ kind: "storeProposal", command });
}
