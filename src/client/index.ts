/**
 * @module
 * What `import … from "balsa/client"` gives: the client alone, without a node.
 */

export { BalsaError } from "../errors/balsa-error.ts";
export type { ErrorCode, Outcome } from "../errors/codes.ts";
export {
  BalsaClient,
  type ClientOptions,
  type DeleteResult,
  type KeyValue,
  type PutResult,
  type TransactionOptions,
} from "./balsa-client.ts";
export { type KeyLike, textOf } from "./bytes.ts";
export type { CallOptions, WriteOptions } from "./call.ts";
export type { ElectionOptions, Leader, Leadership } from "./election.ts";
export type { HeldLease, HoldOptions } from "./held-lease.ts";
export type { Item, KeyHead } from "./item.ts";
export type { GrantedLease, Lease, Leases } from "./leases.ts";
export type { ListOptions, Page, PageOptions } from "./listing.ts";
export type { Lock } from "./lock.ts";
export type { ListedMember, Member, MemberAddresses, MemberRole, Members, NewMember } from "./members.ts";
export type { Condition, DeleteOptions, PutOptions } from "./put.ts";
export type { QueueOptions } from "./queue.ts";
export type { KeyRange, Order, ReadLevel, ReadOptions } from "./range.ts";
export type {
  Compare,
  CompareOperator,
  Operation,
  OperationResult,
  PutOperation,
  RangeOperation,
  Transaction,
  TransactionResult,
} from "./transaction.ts";
export type { Change, Watched, WatchOptions } from "./watch.ts";
