/**
 * @module
 * The one error class that crosses Balsa's edges: match it by `code`, never by class or text.
 */

import { type ErrorCode, errorKinds, type Outcome } from "./codes.ts";

/** An expected refusal or an uncertain outcome, as the caller meets it. */
export class BalsaError extends Error {
  readonly code: ErrorCode;
  readonly outcome: Outcome;

  constructor(code: ErrorCode, detail: string, outcome: Outcome = errorKinds[code].outcome) {
    super(detail);
    this.name = "BalsaError";
    this.code = code;
    this.outcome = outcome;
  }
}

/**
 * The environment failed this node: a disk, a corrupt record, a failed sync.
 *
 * The node that meets one stops. Whether the write that met it is on disk is unknown.
 */
export class StorageError extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "StorageError";
  }
}

/** What the operator gave cannot be started with: one line that says what and how to mend it. */
export class StartError extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "StartError";
  }
}
