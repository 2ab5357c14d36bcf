/**
 * @module
 * What nodes say to each other beside Raft: what a leader knows of its followers, and how their states stand.
 * Nothing of Raft's safety rests on these.
 */

import { CodecError } from "../codec/codec-error.ts";
import { membersMax } from "../codec/configuration.ts";
import { booleanOf, integerOf, listOf, nodeIdOf, tupleOf, wholeOf } from "../codec/field.ts";
import type { LogIndex, NodeId } from "../raft/types.ts";

/** Asks the leader how far its followers are. */
export interface InspectRequest {
  readonly kind: "inspectRequest";
  readonly inspectId: number;
}

export interface PeerProgress {
  readonly id: NodeId;
  readonly matchIndex: LogIndex;
  readonly healthy: boolean;
}

export interface InspectResponse {
  readonly kind: "inspectResponse";
  readonly inspectId: number;
  readonly progress: readonly PeerProgress[];
}

/** How the sender's state stood after an entry: its leader compares. */
export interface StateMarkNotice {
  readonly kind: "stateMark";
  readonly index: LogIndex;
  readonly revision: number;
  readonly stateHash: number;
}

export type ServiceMessage = InspectRequest | InspectResponse | StateMarkNotice;

/** First items of their wire form; those of the core's messages are below. */
export const serviceKinds = { inspectRequest: 32, inspectResponse: 33, stateMark: 34 } as const;

export function serviceToWire(message: ServiceMessage): unknown {
  const kind = serviceKinds[message.kind];
  switch (message.kind) {
    case "inspectRequest":
      return [kind, message.inspectId];
    case "inspectResponse":
      return [
        kind,
        message.inspectId,
        message.progress.map(({ id, matchIndex, healthy }) => [id, matchIndex, healthy]),
      ];
    case "stateMark":
      return [kind, message.index, message.revision, message.stateHash];
  }
}

/** Gives `undefined` for a first item that names no service message; throws `CodecError` for a malformed one. */
export function serviceFromWire(wire: readonly unknown[]): ServiceMessage | undefined {
  switch (wire[0]) {
    case serviceKinds.inspectRequest: {
      const [, inspectId] = tupleOf(wire, 2, "inspectRequest");
      return { kind: "inspectRequest", inspectId: integerOf(inspectId, "inspectId") };
    }
    case serviceKinds.inspectResponse: {
      const [, inspectId, progress] = tupleOf(wire, 3, "inspectResponse");
      return { kind: "inspectResponse", inspectId: integerOf(inspectId, "inspectId"), progress: progressOf(progress) };
    }
    case serviceKinds.stateMark: {
      const [, index, revision, stateHash] = tupleOf(wire, 4, "stateMark");
      return {
        kind: "stateMark",
        index: wholeOf(index, "index"),
        revision: wholeOf(revision, "revision"),
        stateHash: wholeOf(stateHash, "stateHash"),
      };
    }
    default:
      return undefined;
  }
}

function progressOf(value: unknown): readonly PeerProgress[] {
  const rows = listOf(value, "progress");
  if (rows.length > membersMax) throw new CodecError(`progress of more than ${membersMax}`, 0);
  return rows.map((row) => {
    const [id, matchIndex, healthy] = tupleOf(row, 3, "progress");
    return {
      id: nodeIdOf(id, "progress id"),
      matchIndex: wholeOf(matchIndex, "matchIndex"),
      healthy: booleanOf(healthy, "healthy"),
    };
  });
}
