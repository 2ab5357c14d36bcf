/**
 * @module
 * What `import … from "balsa"` gives, and nothing else is promised.
 */

export type { ActorName, LinkCuts, LogFields } from "../actor/context.ts";
export {
  BalsaClient,
  type ClientOptions,
  type DeleteResult,
  type KeyValue,
  type PutResult,
  type TransactionOptions,
} from "../client/balsa-client.ts";
export { type KeyLike, textOf } from "../client/bytes.ts";
export type { ReadLevel, ReadOptions } from "../client/range.ts";
export { BalsaError, StartError } from "../errors/balsa-error.ts";
export type { ErrorCode, Outcome } from "../errors/codes.ts";
export type { Cluster, ClusterOptions } from "./cluster-options.ts";
export type { BalsaNode, Begin, LogLine, NodeOptions, NodeStanding, StartOptions } from "./options.ts";
export { startCluster } from "./start-cluster.ts";
export { startNode } from "./start-node.ts";
