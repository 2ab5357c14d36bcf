/**
 * @module
 * Keys and their records in JSON: bytes are text where they are UTF-8, and base64 under another name elsewhere.
 */

import { isUtf8 } from "node:buffer";
import type { KeyRecord } from "../kv/state-view.ts";

type ItemRecord = Omit<KeyRecord, "value"> & { readonly value: Uint8Array | null };

/** Without a value where it is null. */
export function itemObject(key: Uint8Array, record: ItemRecord): object {
  const { value, createRevision, modRevision, version, leaseId } = record;
  return {
    ...textOrBase64("key", key),
    ...(value === null ? null : textOrBase64("value", value)),
    createRevision,
    modRevision,
    version,
    lease: leaseId === 0 ? null : String(leaseId),
  };
}

/** `{name: text}`, or `{nameBase64: base64}`. */
export function textOrBase64(name: string, bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { [name]: buffer.toString("utf8") } : { [`${name}Base64`]: buffer.toString("base64") };
}
