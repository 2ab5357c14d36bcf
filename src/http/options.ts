/**
 * @module
 * The limits of the HTTP face, and what it answers to.
 */

import type { GuardOptions } from "./guard.ts";

export interface HttpOptions extends GuardOptions {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** Of JSON bodies. */
  readonly bodyBytesMax: number;
  /** Bodies of requests that are not answered yet, all connections together. */
  readonly bodiesBytesMax: number;
  /** Request line and header fields of one request, roughly. */
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  /** Requests of one connection that wait behind the one being answered. */
  readonly pipelinedMax: number;
  readonly headersTimeoutMs: number;
  /** For a request to arrive whole. */
  readonly requestTimeoutMs: number;
  readonly connectionsCheckingIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
  /** A connection on which nothing moves for so long is cut. Above the longest time a request may take. */
  readonly silenceTimeoutMs: number;
  readonly defaultTimeoutMs: number;
  /** Requests that take so long are logged; 0 logs none. */
  readonly slowRequestMs: number;
  /** For joining and removing a member when the request does not say. */
  readonly membershipTimeoutMs: number;
  /** Watches at the same time; more are refused. */
  readonly watchesMax: number;
  /** Bytes of events that one watch's client has not taken: with more it is ended at the next command. */
  readonly watchBytesMax: number;
  /** The same, of all watches together. */
  readonly watchesBytesMax: number;
}

export const httpDefaults: Pick<
  HttpOptions,
  | "bodiesBytesMax"
  | "pipelinedMax"
  | "headersTimeoutMs"
  | "requestTimeoutMs"
  | "connectionsCheckingIntervalMs"
  | "keepAliveTimeoutMs"
  | "silenceTimeoutMs"
  | "membershipTimeoutMs"
  | "watchesMax"
  | "watchBytesMax"
  | "watchesBytesMax"
> = {
  bodiesBytesMax: 16 * 1024 * 1024,
  pipelinedMax: 16,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  connectionsCheckingIntervalMs: 1000,
  keepAliveTimeoutMs: 65_000,
  silenceTimeoutMs: 120_000,
  membershipTimeoutMs: 30_000,
  watchesMax: 10_000,
  watchBytesMax: 1024 * 1024,
  watchesBytesMax: 64 * 1024 * 1024,
};
