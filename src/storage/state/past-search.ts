/**
 * @module
 * The search for what a key was at a revision, from both of its ends: back from the present, version by version, and
 * on from that revision, chunk by chunk, to the key's first change above it. Seldom changed, it is found soon by
 * the one; changed ten thousand times since, by the other.
 */

import { assert } from "../../errors/assert.ts";
import { type CurrentRecord, RecordFormatError } from "../../kv/record.ts";
import { type HistoryReader, replacedAfter, verifiedChunk } from "./history-reader.ts";
import type { RowCursor } from "./state-storage.ts";

/** Most keys have changed a few times since, if at all. */
const stepsBackAlone = 2;
const chunksAtOnce = 16;

export class PastSearch {
  readonly #history: HistoryReader;
  readonly #key: Uint8Array;
  readonly #revision: number;
  #record: CurrentRecord | null;
  #stepsBack = 0;
  #onward: RowCursor | null = null;

  /** `record` is what the key is now, null when nothing is known of it. */
  constructor(history: HistoryReader, key: Uint8Array, record: CurrentRecord | null, revision: number) {
    this.#history = history;
    this.#key = key;
    this.#record = record;
    this.#revision = revision;
  }

  /** Whether `record` is what the key was at the revision. */
  get found(): boolean {
    return this.#record === null || this.#record.modRevision <= this.#revision;
  }

  /** Null: the key was not there. */
  get record(): CurrentRecord | null {
    return this.#record;
  }

  /** One version back, and from the third on as much of the history as a cursor gives at once. Throws `RecordFormatError`. */
  async step(): Promise<void> {
    const record = this.#record;
    assert(record !== null && !this.found, "what is found is not looked for");
    this.#record = await this.#history.stepBack(this.#key, record, this.#revision);
    if (!this.found && ++this.#stepsBack > stepsBackAlone) await this.#stepOn();
  }

  /** To be called when it is over, before the moment is closed. */
  async close(): Promise<void> {
    await this.#onward?.close();
  }

  async #stepOn(): Promise<void> {
    this.#onward ??= await this.#history.chunksAbove(this.#revision);
    const rows = await this.#onward.next(chunksAtOnce);
    if (rows.length === 0) throw new RecordFormatError(`the history has lost changes above revision ${this.#revision}`);
    for (const row of rows) {
      const replaced = replacedAfter(verifiedChunk(row.key, row.value), this.#key, this.#revision);
      if (replaced === undefined) continue;
      this.#record = replaced;
      return;
    }
  }
}
