/**
 * @module
 * A refusal that the state is the reason for: it says, as every answer about data, which revision it is about.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { ErrorCode } from "../errors/codes.ts";

export class StateRefusal extends BalsaError {
  /** Of the store, as it was seen. */
  readonly revision: number;

  constructor(code: ErrorCode, detail: string, revision: number) {
    super(code, detail);
    this.revision = revision;
  }
}
