/**
 * @module
 * Cursors: where a listing goes on, and what it lists, in text that clients hand back as it is.
 *
 * The bytes behind the base64url: version (1); flags (1); revision (8); digest of what the listing was asked for (8);
 * length of `from` (2); `from`; `to`; digest of all that (8). No node remembers a cursor, so any node takes it; the last
 * digest guards against what got altered on the way, not against somebody who means to.
 */

import { createHash } from "node:crypto";
import { readWhole, viewOf, writeWhole } from "../kv/keys.ts";
import type { KeyRange, Order } from "../kv/transaction.ts";
import { bad } from "./fields.ts";

/** What is listed. */
export interface Listing {
  readonly range: KeyRange;
  readonly order: Order;
  readonly values: boolean;
}

/** What is left of a listing. */
export interface Rest extends Listing {
  readonly revision: number;
  /** `digestOf` the whole listing. */
  readonly digest: Uint8Array;
}

const version = 1;
const flag = { descending: 1, withoutValues: 2, endless: 4 } as const;
const digestBytes = 8;
const fromAt = 12 + digestBytes;

export function encodeCursor({ range, order, values, revision, digest }: Rest): string {
  const { from, to } = range;
  const end = to ?? new Uint8Array(0);
  const bytes = Buffer.alloc(fromAt + from.length + end.length + digestBytes);
  bytes[0] = version;
  bytes[1] =
    (order === "desc" ? flag.descending : 0) | (values ? 0 : flag.withoutValues) | (to === null ? flag.endless : 0);
  writeWhole(viewOf(bytes), 2, revision);
  bytes.set(digest, 10);
  bytes.writeUInt16BE(from.length, 10 + digestBytes);
  bytes.set(from, fromAt);
  bytes.set(end, fromAt + from.length);
  const content = bytes.subarray(0, -digestBytes);
  bytes.set(hashOf("cursor", content), content.length);
  return bytes.toString("base64url");
}

/** Throws BAD_REQUEST for everything that `encodeCursor` has not given. */
export function decodeCursor(text: string): Rest {
  const bytes = Buffer.from(text, "base64url");
  const content = bytes.subarray(0, -digestBytes);
  const sound =
    bytes.length >= fromAt + digestBytes &&
    // Base64 has bits to spare at its end, and decoding skips what is none.
    bytes.toString("base64url") === text &&
    hashOf("cursor", content).equals(bytes.subarray(content.length)) &&
    bytes[0] === version;
  if (!sound) throw bad("the cursor is not one that this store gave, or it was altered");
  const flags = bytes[1] ?? 0;
  const toAt = fromAt + bytes.readUInt16BE(10 + digestBytes);
  return {
    range: { from: content.subarray(fromAt, toAt), to: (flags & flag.endless) === 0 ? content.subarray(toAt) : null },
    order: (flags & flag.descending) === 0 ? "asc" : "desc",
    values: (flags & flag.withoutValues) === 0,
    revision: readWhole(viewOf(bytes), 2),
    digest: content.subarray(10, 10 + digestBytes),
  };
}

/** The same for the same listing. */
export function digestOf({ range, order, values }: Listing): Buffer {
  const { from, to } = range;
  const shape = JSON.stringify([from.length, to?.length ?? null, order, values]);
  return hashOf("listing", Buffer.from(shape), from, to ?? new Uint8Array(0));
}

function hashOf(what: string, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256").update(`balsa ${what}\n`);
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, digestBytes);
}
