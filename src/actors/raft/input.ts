/**
 * @module
 * What reaches the raft actor and what it wants done: its contract with the thread that pumps it, or with a
 * test that steps it.
 */

import type { AdvertisedAddresses } from "../../actor/context.ts";
import type { Message } from "../../raft/message.ts";
import type { Configuration, LogIndex, NodeId, SnapshotMetadata } from "../../raft/types.ts";
import type { ServiceMessage } from "../../transport/service-message.ts";
import type { IngressToRaft, RaftToIngress } from "../protocol/ingress-raft.ts";
import type { LogToRaft, RaftToLog } from "../protocol/raft-log.ts";
import type { RaftToStore, StoreToRaft } from "../protocol/raft-store.ts";

/** A message of a peer's core, and the bytes of its entries as they came, to go on unchanged. */
export interface FromPeer {
  readonly kind: "fromPeer";
  readonly message: Message;
  readonly entries: Uint8Array | undefined;
}

/** What the owner sees when a turn begins. */
export interface Seen {
  /** Monotonic. */
  readonly nowMs: number;
  /** The board's: at least this much is applied. It may only ever lag behind the store, and a snapshot's comes here before its message. */
  readonly appliedIndex: LogIndex;
  /** The board's: a client of this node waits for the state to move. */
  readonly stateAwaited: boolean;
}

export type RaftActorInput =
  | { readonly kind: "fromLog"; readonly message: LogToRaft }
  | { readonly kind: "fromStore"; readonly message: StoreToRaft }
  | { readonly kind: "fromIngress"; readonly message: IngressToRaft }
  | FromPeer
  | { readonly kind: "serviceFromPeer"; readonly from: NodeId; readonly message: ServiceMessage }
  | { readonly kind: "peerUnreachable"; readonly peer: NodeId }
  | { readonly kind: "peerDisconnected"; readonly peer: NodeId }
  /** `transfer` as in `SendSnapshot`. */
  | { readonly kind: "snapshotSent"; readonly to: NodeId; readonly transfer: number; readonly delivered: boolean }
  /** Where others reach this node: known later than the rest when a port was left to the system. */
  | { readonly kind: "addressed"; readonly advertised: AdvertisedAddresses }
  /** Hand leadership to the most up-to-date voter: this node is about to stop. */
  | { readonly kind: "handOver" }
  | { readonly kind: "tick" };

/** A message to a peer's core; `entries` are those of an AppendEntries, packed. */
export interface ToPeer {
  readonly message: Message;
  readonly entries: Uint8Array | undefined;
}

/** Stream `snapshot` to a peer, then `message`; answered by `snapshotSent` with the same number. */
export interface SendSnapshot {
  readonly to: NodeId;
  /** Never used twice: a transfer that a newer one has replaced ends too, and must not be taken for that one. */
  readonly transfer: number;
  readonly message: Message;
  readonly snapshot: SnapshotMetadata;
}

export interface RaftActorEffects {
  readonly toIngress: RaftToIngress[];
  readonly toLog: RaftToLog[];
  readonly toStore: RaftToStore[];
  readonly toPeers: ToPeer[];
  readonly serviceToPeers: { readonly to: NodeId; readonly message: ServiceMessage }[];
  readonly sendSnapshots: SendSnapshot[];
  /** Who there is to be connected with, when that has changed. */
  peers: Configuration | null;
}

export function noEffects(): RaftActorEffects {
  return { toIngress: [], toLog: [], toStore: [], toPeers: [], serviceToPeers: [], sendSnapshots: [], peers: null };
}
