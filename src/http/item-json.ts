/**
 * @module
 * Keys and their records in JSON: bytes are text where they are UTF-8, and base64 under another name elsewhere.
 */

import { isUtf8 } from "node:buffer";
import type { KeyRecord } from "../kv/state-view.ts";

const [quote, backslash] = [0x22, 0x5c];

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

/** `JSON.stringify` of `itemObject`, for a seventh of its price where bytes are plain text: listings make very many. */
export function itemText(key: Uint8Array, record: ItemRecord): string {
  const { value, createRevision, modRevision, version, leaseId } = record;
  const shown = value === null ? "" : `,${memberText("value", value)}`;
  const lease = leaseId === 0 ? "null" : `"${leaseId}"`;
  return `{${memberText("key", key)}${shown},"createRevision":${createRevision},"modRevision":${modRevision},"version":${version},"lease":${lease}}`;
}

function memberText(name: string, bytes: Uint8Array): string {
  if (standsForItself(bytes)) return `"${name}":"${Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length)}"`;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer)
    ? `"${name}":${JSON.stringify(buffer.toString("utf8"))}`
    : `"${name}Base64":"${buffer.toString("base64")}"`;
}

/** Whether the bytes are the characters of a JSON string, one each: printable ASCII without quotes and backslashes. */
function standsForItself(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === quote || byte === backslash) return false;
  }
  return true;
}

/** `{name: text}`, or `{nameBase64: base64}`. */
export function textOrBase64(name: string, bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { [name]: buffer.toString("utf8") } : { [`${name}Base64`]: buffer.toString("base64") };
}
