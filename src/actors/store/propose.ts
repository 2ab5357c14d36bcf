/**
 * @module
 * Commands of the leader's store itself. Nobody waits for their results, and each is harmless when it comes late,
 * twice or not at all.
 */

import { encode } from "../../codec/codec.ts";
import { commandToWire, type Operation } from "../../kv/command.ts";
import type { StoreState } from "./state.ts";

export function propose(state: StoreState, operation: Operation): void {
  const command = encode(commandToWire({ origin: 0, sequence: 1, operation }));
  state.outbox.toRaft.push({ kind: "storeProposal", command });
}
