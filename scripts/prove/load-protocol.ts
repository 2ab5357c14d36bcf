/**
 * @module
 * Between an experiment and the thread that puts load on its nodes: what it shall do and what it saw.
 */

/** Times are milliseconds of `now()`, the same clock in every thread of the process. */
export interface LoadOptions {
  readonly urls: readonly string[];
  /** Each writes one key after the other, over a connection of its own. */
  readonly writers: number;
  /** Each reads what was acknowledged, as fast as it is answered. */
  readonly readers: number;
  readonly prefix: string;
  /** Of each writer after each write; default 0, as fast as it is answered. */
  readonly writePauseMs?: number;
}

export type ToLoad = { readonly kind: "stop" };

export interface Progress {
  readonly kind: "progress";
  /** When the newest acknowledged write had been sent. */
  readonly newestSentAt: number;
}

/** Everything that became of the load. Every key was written once, so an acknowledged one has one true value. */
export interface LoadReport {
  readonly kind: "report";
  /** Names of the acknowledged keys: writer and sequence, in two arrays of one length. */
  readonly writer: Uint32Array;
  readonly sequence: Uint32Array;
  /** When each acknowledged write was sent, and when it was answered. */
  readonly sentAt: Float64Array;
  readonly ackedAt: Float64Array;
  /** Certainly not applied, as the node said or as the connection was refused. */
  readonly refused: number;
  /** Timed out, or broken off: may have been applied. */
  readonly unknown: number;
  readonly reads: number;
  readonly readsFailed: number;
}

export type FromLoad = Progress | LoadReport;

export interface VerifyOptions {
  readonly urls: readonly string[];
  readonly prefix: string;
  readonly writer: Uint32Array;
  readonly sequence: Uint32Array;
}

/** Of one node: how many keys it answered wrongly or not at all, and one of them. */
export interface Verdict {
  readonly url: string;
  readonly checked: number;
  readonly wrong: number;
  readonly example: string | null;
}

const valueBytes = 256;

export function keyOf(prefix: string, writer: number, sequence: number): string {
  return `${prefix}-${writer}-${sequence}`;
}

/** Unique to the key, 256 bytes. */
export function valueOf(key: string): string {
  return `${key}:`.padEnd(valueBytes, key);
}

export function now(): number {
  return performance.timeOrigin + performance.now();
}
