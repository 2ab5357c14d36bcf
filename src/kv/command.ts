/**
 * @module
 * What a client's write becomes: a command in the log (design: "The state machine").
 *
 * On disk and wire a command is the CBOR of the positional array that `commandToWire` gives. Its first item is
 * the version of the format; a node refuses a version that it does not know.
 */

/** What must hold of the key for the command to change anything. */
export type Condition =
  | { readonly kind: "none" }
  /** The key is there, last changed at exactly this revision (If-Match). */
  | { readonly kind: "modRevision"; readonly revision: number }
  /** The key is not there (If-None-Match: *). */
  | { readonly kind: "absent" }
  /** The key is there (If-Match: *). */
  | { readonly kind: "present" };

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type Operation =
  /** `leaseId` 0: no lease. */
  | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly leaseId: number;
      readonly condition: Condition;
    }
  | { readonly kind: "delete"; readonly key: Uint8Array; readonly condition: Condition }
  /** All or nothing, in one revision; no key twice. */
  | { readonly kind: "putAll"; readonly pairs: readonly KeyValue[] };

export interface Command {
  /** The process that took the request: random below 2^48. */
  readonly origin: number;
  /** Counts that process's requests, from 1. */
  readonly sequence: number;
  readonly operation: Operation;
}

export const commandVersion = 1;

/** Thrown for bytes that are not a command of a version this node knows: the log must not hold such. */
export class CommandFormatError extends Error {
  constructor(what: string) {
    super(`not a command that this version understands: ${what}`);
    this.name = "CommandFormatError";
  }
}
