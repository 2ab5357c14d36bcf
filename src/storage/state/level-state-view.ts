/**
 * @module
 * The state as the ingress thread reads it: a handle of its own on the same LevelDB, read-only.
 *
 * Value and revision agree by one argument. `floor` is a revision that was readable here before the row is
 * read, so the read sees the state as of some revision s ≥ floor. A record with modRevision m is what the key
 * was at every revision from m to s; hence it is exact at max(floor, m), without asking the board again and
 * without a snapshot. A key without a row was not there from its deletion on: that is exact at `floor` when
 * nothing deleted above `floor` has lost its row, and rows of deleted keys go only with history up to
 * `compactedRevision`, which is raised on the board before they do. The revisions of one view never go back.
 */

import { crc32 } from "node:zlib";
import { currentKey, metaKey } from "../../kv/keys.ts";
import { decodeMeta } from "../../kv/meta.ts";
import { type CurrentRecord, decodeRecord } from "../../kv/record.ts";
import type { KeyRead, StateMoment, StateView } from "../../kv/state-view.ts";
import { LevelRowMoment } from "./level-row-moment.ts";
import { openStateDatabase, type StateDatabase } from "./level-state-storage.ts";
import { RowStateMoment } from "./row-state-moment.ts";
import type { RowMoment } from "./state-storage.ts";
import { verifiedNow } from "./verified.ts";

/** What the view needs of the board (src/actor/board.ts is one). */
export interface RevisionCells {
  get(cell: "revisionApplied" | "compactedRevision"): number;
}

/** Reads the rows of a state; the same for LevelDB and memory. */
export class RowStateView implements StateView {
  readonly #get: (rowKey: Uint8Array) => Uint8Array | undefined;
  readonly #cells: RevisionCells;
  readonly #close: () => Promise<void>;
  readonly #openMoment: () => RowMoment;
  #floor = 0;

  constructor(
    get: (rowKey: Uint8Array) => Uint8Array | undefined,
    cells: RevisionCells,
    close: () => Promise<void>,
    openMoment: () => RowMoment,
  ) {
    this.#get = get;
    this.#cells = cells;
    this.#close = close;
    this.#openMoment = openMoment;
    // A generation made from a snapshot is ahead of the board until it is entered.
    const meta = this.#get(metaKey);
    if (meta !== undefined) this.#floor = verifiedNow(() => decodeMeta(meta, crc32)).revision;
  }

  read(key: Uint8Array): KeyRead {
    const rowKey = currentKey(key);
    for (;;) {
      const floor = this.revision();
      const row = this.#get(rowKey);
      if (row === undefined) {
        if (this.#cells.get("compactedRevision") <= floor) return { revision: floor, record: undefined };
        // History was dropped up to a revision that is applied by now: the next floor covers it.
        this.#raise(this.#cells.get("compactedRevision"));
        continue;
      }
      const record: CurrentRecord = verifiedNow(() => decodeRecord(key, row, crc32));
      this.#raise(record.modRevision);
      return { revision: this.#floor, record: record.kind === "value" ? record : undefined };
    }
  }

  revision(): number {
    this.#raise(this.#cells.get("revisionApplied"));
    return this.#floor;
  }

  moment(): StateMoment {
    const moment = new RowStateMoment(this.#openMoment());
    this.#raise(moment.revision);
    return moment;
  }

  close(): Promise<void> {
    return this.#close();
  }

  #raise(revision: number): void {
    if (revision > this.#floor) this.#floor = revision;
  }
}

/** A view on the generation in `path`, a real path whose keeper main holds. */
export class LevelStateView extends RowStateView {
  private constructor(database: StateDatabase, cells: RevisionCells) {
    super(
      (rowKey) => database.getSync(rowKey),
      cells,
      () => database.close(),
      () => new LevelRowMoment(database),
    );
  }

  static async open(path: string, cells: RevisionCells): Promise<LevelStateView> {
    const database = await openStateDatabase(path);
    try {
      return new LevelStateView(database, cells);
    } catch (cause) {
      await database.close();
      throw cause;
    }
  }
}
