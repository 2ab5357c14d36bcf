/**
 * @module
 * Is a state that was found on disk a true prefix of what was written? (design: "Durability".)
 */

import { crc32 } from "node:zlib";
import { batchKey, metaKey, numberOfKey, rangeOf, rowPrefixes } from "../../kv/keys.ts";
import { batchRowsKept, decodeBatchRow, decodeMeta, emptyMeta, type StateMeta } from "../../kv/meta.ts";
import { RecordFormatError } from "../../kv/record.ts";
import type { StateStorage } from "./state-storage.ts";

export type Verification =
  /** Whatever happened, replay starts at `meta.appliedIndex`. */
  | { readonly kind: "prefix"; readonly meta: StateMeta }
  /** Not to be believed: rebuild it. `reason` says what is wrong, for the operator. */
  | { readonly kind: "damaged"; readonly reason: string };

/** Checks that the numbered rows have no gap and end with the batch that the meta row names. */
export async function verifyState(storage: StateStorage): Promise<Verification> {
  try {
    return await verify(storage);
  } catch (error) {
    if (error instanceof RecordFormatError) return damaged(error.message);
    throw error;
  }
}

async function verify(storage: StateStorage): Promise<Verification> {
  const row = storage.get(metaKey);
  const { from, to } = rangeOf(rowPrefixes.batch);
  if (row === undefined) {
    const all = { from: new Uint8Array(0), to: Uint8Array.of(255), rowsMax: 1, bytesMax: 1 };
    const isEmpty = (await storage.read(all)).length === 0;
    return isEmpty ? { kind: "prefix", meta: emptyMeta } : damaged("it does not say where it stands");
  }
  const meta = decodeMeta(row, crc32);
  let expected = Math.max(1, meta.batch - batchRowsKept + 1);
  for await (const keys of storage.keys(from, to)) {
    for (const key of keys) {
      if (numberOfKey(key) !== expected) return damaged(`batch ${expected} is missing`);
      expected++;
    }
  }
  if (expected !== meta.batch + 1) return damaged(`batch ${expected} is missing`);
  const last = storage.get(batchKey(meta.batch));
  if (last === undefined || decodeBatchRow(meta.batch, last, crc32) !== meta.appliedIndex)
    return damaged(`batch ${meta.batch} does not end where the state stands`);
  return { kind: "prefix", meta };
}

function damaged(reason: string): Verification {
  return { kind: "damaged", reason };
}
