/**
 * @module
 * A moment of a simulated state: its rows as they are, since no simulated time passes while it is read.
 */

import { metaKey } from "../../src/kv/keys.ts";
import type { Scan } from "../../src/kv/row.ts";
import type { Row, RowCursor, RowMoment } from "../../src/storage/state/state-storage.ts";
import type { StateRows } from "./state-disk.ts";

export function momentOf(rows: StateRows): RowMoment {
  // Every batch writes this row anew.
  const began = rows.get(metaKey);
  const scan = ({ from, to, order }: Scan): RowCursor => {
    let rest: readonly Row[] | null = null;
    return {
      next(rowsMax) {
        if (rows.get(metaKey) !== began) throw new Error("a moment is read before anything else happens");
        rest ??= order === "desc" ? rows.rows(from, to).toReversed() : rows.rows(from, to);
        const read = rest.slice(0, rowsMax);
        rest = rest.slice(rowsMax);
        return Promise.resolve(read);
      },
      close: () => Promise.resolve(),
    };
  };
  return { get: (key) => rows.get(key), scan, close: () => Promise.resolve() };
}
