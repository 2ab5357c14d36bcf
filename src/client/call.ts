/**
 * @module
 * What a call to the cluster is, and which of its failures allow to send it again.
 */

import { randomBytes } from "node:crypto";
import type { BalsaError } from "../errors/balsa-error.ts";
import type { ErrorCode } from "../errors/codes.ts";
import type { Exchange } from "./exchange.ts";

/** What every call of the client takes. */
export interface CallOptions {
  /**
   * Ends the call, which then throws the signal's reason. A write that is ended so may have been applied, or may be
   * yet.
   */
  readonly signal?: AbortSignal | undefined;
  /** Of the whole call, over however many nodes: 1 to 60 000. The client's own when not given. */
  readonly timeoutMs?: number | undefined;
}

export interface WriteOptions extends CallOptions {
  /**
   * Names this write: sent again with the same key within 10 minutes, by whatever client, it is applied once and
   * answered with its first outcome. 1 to 128 visible ASCII characters. A random one of this call when not given.
   */
  readonly idempotencyKey?: string | undefined;
}

/**
 * Why a call may be sent again: it changes nothing (`read`); a second time changes nothing more (`idempotent`); the
 * cluster knows it by its key (`keyed`; `own`: the client made the key up, and nobody else relies on it). `once` is
 * sent again only where it certainly was not applied.
 */
export type Repetition =
  | { readonly kind: "read" | "idempotent" | "once" }
  | { readonly kind: "keyed"; readonly key: string; readonly own: boolean };

export interface Call extends CallOptions {
  readonly method: Exchange["method"];
  readonly path: string;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly repetition: Repetition;
}

export const read: Repetition = { kind: "read" };
export const once: Repetition = { kind: "once" };
export const idempotent: Repetition = { kind: "idempotent" };

/** 96 random bits: short, since the cluster keeps each for 10 minutes, and long enough never to meet another. */
export function freshKey(): Repetition {
  return { kind: "keyed", key: randomBytes(12).toString("base64url"), own: true };
}

/** Failures that another node, or the same one a little later, may not have. */
const passing: ReadonlySet<ErrorCode> = new Set([
  "NO_LEADER",
  "OVERLOADED",
  "LEADERSHIP_LOST",
  "TOO_STALE",
  "SHUTTING_DOWN",
  "TIMEOUT",
  "UNREACHABLE",
  "CONNECTION_LOST",
] satisfies ErrorCode[]);

/** Whether another node, or the same one a little later, may serve what failed like this. */
export function isPassing({ code }: BalsaError): boolean {
  return passing.has(code);
}

/** Whether the same request may be sent again without a risk of applying it twice. */
export function mayRepeat({ kind }: Repetition, error: BalsaError): boolean {
  return isPassing(error) && (kind !== "once" || error.outcome === "not-applied");
}

/**
 * The next repetition, after a failure that allows one.
 *
 * What the cluster remembers of keys is bounded. A write that it has no room for goes on without a key of the
 * client's making, and is then sent no more than once; as long as nothing of it is in doubt.
 */
export function after(repetition: Repetition, error: BalsaError, inDoubt: boolean): Repetition {
  const ownKey = repetition.kind === "keyed" && repetition.own;
  return ownKey && error.code === "OVERLOADED" && !inDoubt ? once : repetition;
}

/** What a command itself was refused for: under its key, the same for each time that it was sent. */
const outcomesOfCommands: ReadonlySet<ErrorCode> = new Set([
  "PRECONDITION_FAILED",
  "LEASE_NOT_FOUND",
  "COMPACTED",
] satisfies ErrorCode[]);

/** Whether this refusal also settles an earlier attempt of which nothing is known. */
export function settles({ kind }: Repetition, error: BalsaError): boolean {
  return kind === "read" || (kind === "keyed" && outcomesOfCommands.has(error.code));
}
