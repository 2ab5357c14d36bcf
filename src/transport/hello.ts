/**
 * @module
 * The first frame in each direction of a connection: who calls whom, and whether they belong together.
 */

import { decodeUntrusted } from "../codec/codec.ts";
import { CodecError } from "../codec/codec-error.ts";
import { addressOf, incarnationOf, listOf, nodeIdOf, tupleOf, wholeOf, wordOf } from "../codec/field.ts";
import type { NodeId } from "../raft/types.ts";
import { encodeFrame } from "./frame.ts";

/** First item of every hello and answer, in all versions; the version comes second. */
const magic = "balsa-peer";

/** Changes when a node of the version before would misunderstand what follows. */
export const protocolVersion = 2;

/** A connection carries messages, or one snapshot. */
export type Purpose = "messages" | "snapshot";

export interface Hello {
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Of the dialer's data directory. */
  readonly incarnation: string;
  readonly purpose: Purpose;
  /** `host:port` at which the dialer itself can be dialled. */
  readonly raftAddr: string;
  /** How long the dialer elects nobody once it has heard a leader, for that one's lease; 0 without lease reads. */
  readonly voteHoldMs: number;
}

export type HelloRefusal =
  /** Not a hello at all, or one of another protocol version. */
  | "wrongProtocol"
  | "wrongCluster"
  /** The node called is another one. */
  | "wrongNode"
  /** It calls itself by this node's own id. */
  | "ownId"
  /** The membership knows another data directory under this id. */
  | "wrongIncarnation"
  /** It keeps its vote for another time than this node: no lease could rest on both. */
  | "otherLease"
  /** It is not a member, or not any more. */
  | "notMember"
  /** As many connections as this node takes. */
  | "tooManyConnections";

const refusals = [
  "wrongProtocol",
  "wrongCluster",
  "wrongNode",
  "ownId",
  "wrongIncarnation",
  "otherLease",
  "notMember",
  "tooManyConnections",
] as const satisfies readonly HelloRefusal[];

export interface Refusal {
  readonly code: HelloRefusal;
  /** A sentence for both logs. */
  readonly detail: string;
}

export type HelloAnswer =
  | { readonly accepted: true; readonly nodeId: NodeId; readonly incarnation: string }
  | ({ readonly accepted: false } & Refusal);

/** What decides about a hello. */
export interface Doorkeeper {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  readonly voteHoldMs: number;
  /** Of the node's data directory, as the membership has it; empty or undefined when it is not known yet. */
  expectedIncarnation(nodeId: NodeId): string | undefined;
  /** Why that node is not to be talked to; undefined when it is. */
  refuse(nodeId: NodeId): string | undefined;
}

const namePattern = /^[\x21-\x7e]{1,128}$/;
const detailPattern = /^[\x20-\x7e]{0,512}$/;
const purposes = ["messages", "snapshot"] as const;

export function encodeHello(hello: Hello): Uint8Array {
  const { clusterId, from, to, incarnation, purpose, raftAddr, voteHoldMs } = hello;
  return encodeFrame([magic, protocolVersion, clusterId, from, to, incarnation, purpose, raftAddr, voteHoldMs]);
}

export function encodeHelloAnswer(answer: HelloAnswer): Uint8Array {
  return answer.accepted
    ? encodeFrame([magic, protocolVersion, true, answer.nodeId, answer.incarnation])
    : encodeFrame([magic, protocolVersion, false, answer.code, printable(answer.detail)]);
}

const helloCodecLimits = { depthMax: 2, itemsMax: 32, textBytesMax: 1024 };

/** Reads a hello, or says why it is none of ours; only then its other fields are looked at. */
export function parseHello(frame: Uint8Array): Hello | Refusal {
  return orWrongProtocol(() => {
    const fields = listOf(decodeUntrusted(frame, helloCodecLimits), "hello");
    const other = otherProtocol(fields);
    if (other !== undefined) return other;
    const [, , clusterId, from, to, incarnation, purpose, raftAddr, voteHoldMs] = tupleOf(fields, 9, "hello");
    return {
      clusterId: textOf(clusterId, namePattern, "clusterId"),
      from: nodeIdOf(from, "from"),
      to: nodeIdOf(to, "to"),
      incarnation: incarnationOf(incarnation, "incarnation"),
      purpose: wordOf(purpose, purposes, "purpose"),
      raftAddr: addressOf(raftAddr, "raftAddr"),
      voteHoldMs: wholeOf(voteHoldMs, "voteHoldMs"),
    };
  });
}

/** Reads the answer to a hello. An answer that is none reads as a refusal. */
export function parseHelloAnswer(frame: Uint8Array): HelloAnswer {
  const answer = orWrongProtocol((): HelloAnswer | Refusal => {
    const fields = listOf(decodeUntrusted(frame, helloCodecLimits), "answer");
    const other = otherProtocol(fields);
    if (other !== undefined && fields[2] !== false) return other;
    const [, , accepted, first, second] = tupleOf(fields, 5, "answer");
    if (accepted === true) {
      const incarnation = incarnationOf(second, "incarnation");
      return { accepted, nodeId: nodeIdOf(first, "nodeId"), incarnation };
    }
    return { code: wordOf(first, refusals, "code"), detail: textOf(second, detailPattern, "detail") };
  });
  return "accepted" in answer ? answer : { accepted: false, ...answer };
}

/** Why a hello is refused; undefined when it is welcome. */
export function refusalOf(hello: Hello, keeper: Doorkeeper): Refusal | undefined {
  const { from, to, clusterId, incarnation } = hello;
  if (clusterId !== keeper.clusterId) {
    return {
      code: "wrongCluster",
      detail: `${from} belongs to cluster ${clusterId}, ${keeper.nodeId} to ${keeper.clusterId}`,
    };
  }
  if (from === keeper.nodeId) {
    return {
      code: "ownId",
      detail: `${from} is this node's own id: two nodes are started under it, or it dials itself`,
    };
  }
  if (to !== keeper.nodeId) {
    return { code: "wrongNode", detail: `${from} wants ${to}, but this address is that of ${keeper.nodeId}` };
  }
  return (
    incarnationRefusal(from, incarnation, keeper) ?? leaseRefusal(hello, keeper) ?? membershipRefusal(from, keeper)
  );
}

/** A leader's lease is as long as the shortest word that it rests on, so all give the same. */
function leaseRefusal({ from, voteHoldMs }: Hello, keeper: Doorkeeper): Refusal | undefined {
  if (voteHoldMs === keeper.voteHoldMs) return undefined;
  const detail =
    `${leaseOf(from, voteHoldMs)}, ${leaseOf(keeper.nodeId, keeper.voteHoldMs)}: ` +
    "start all nodes with the same --lease-reads, --tick-ms and --election-timeout-ticks";
  return { code: "otherLease", detail };
}

function leaseOf(nodeId: NodeId, voteHoldMs: number): string {
  return voteHoldMs === 0 ? `${nodeId} has no lease reads` : `${nodeId} has lease reads of ${voteHoldMs} ms`;
}

/** Is the data directory of `nodeId` the one that the membership knows? Asked of both ends of a connection. */
export function incarnationRefusal(nodeId: NodeId, incarnation: string, keeper: Doorkeeper): Refusal | undefined {
  const expected = keeper.expectedIncarnation(nodeId) ?? "";
  if (expected === "" || expected === incarnation) return undefined;
  const detail =
    `the data directory of ${nodeId} is ${incarnation === "" ? "unnamed" : incarnation}, the cluster knows ${expected}: ` +
    "give the node its old directory; or, when that is lost for good, run: " +
    `balsa member replace ${nodeId}${incarnation === "" ? "" : ` --incarnation ${incarnation}`}`;
  return { code: "wrongIncarnation", detail };
}

function membershipRefusal(from: NodeId, keeper: Doorkeeper): Refusal | undefined {
  const reason = keeper.refuse(from);
  return reason === undefined ? undefined : { code: "notMember", detail: reason };
}

function otherProtocol(fields: readonly unknown[]): Refusal | undefined {
  if (fields[0] !== magic) return { code: "wrongProtocol", detail: "it does not speak Balsa's peer protocol" };
  if (fields[1] === protocolVersion) return undefined;
  const version = Number.isSafeInteger(fields[1]) ? String(fields[1]) : "none that is known";
  return {
    code: "wrongProtocol",
    detail: `its version of the peer protocol is ${version}, here it is ${protocolVersion}`,
  };
}

function orWrongProtocol<T>(parse: () => T): T | Refusal {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CodecError) return { code: "wrongProtocol", detail: `it begins wrongly: ${error.message}` };
    throw error;
  }
}

function textOf(value: unknown, pattern: RegExp, name: string): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new CodecError(`${name} is not what it should be`, 0);
}

function printable(detail: string): string {
  return detail.replace(/[^\x20-\x7e]/g, "?").slice(0, 512);
}
