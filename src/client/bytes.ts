/**
 * @module
 * Keys and values: text or bytes in a program, and as paths, queries and JSON carry them.
 */

import { isUtf8 } from "node:buffer";
import { BalsaError } from "../errors/balsa-error.ts";

/** Text is UTF-8. */
export type KeyLike = string | Uint8Array;

export function bytesOf(value: KeyLike): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** The text that a key or a value is; throws a TypeError when its bytes are not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Every byte but the unreserved ones and `/` as %XX; a segment of dots too, which a URL would swallow. */
export function keyPath(key: KeyLike): string {
  return `/key/${escaped(bytesOf(key), /[A-Za-z0-9_~/-]/)}`;
}

/** `name=…`, or `nameBase64=…` where the bytes are not UTF-8. */
export function queryPair(name: string, value: KeyLike): string {
  const bytes = bytesOf(value);
  if (isUtf8(bytes)) return `${name}=${escaped(bytes, /[A-Za-z0-9_~.-]/)}`;
  return `${name}Base64=${encodeURIComponent(base64Of(bytes))}`;
}

/** `{name: text}`, or `{nameBase64: base64}` where the bytes are not UTF-8. */
export function jsonField(name: string, value: KeyLike): Record<string, string> {
  const bytes = bytesOf(value);
  return isUtf8(bytes) ? { [name]: textOf(bytes) } : { [`${name}Base64`]: base64Of(bytes) };
}

/** The bytes that an answer has under `name` or `nameBase64`; undefined when it has neither. */
export function bytesIn(fields: Readonly<Record<string, unknown>>, name: string): Uint8Array | undefined {
  const [text, base64] = [fields[name], fields[`${name}Base64`]];
  if (typeof text === "string") return bytesOf(text);
  return typeof base64 === "string" ? Uint8Array.from(Buffer.from(base64, "base64")) : undefined;
}

/** As `bytesIn`; throws a BalsaError `INTERNAL` when there are none. */
export function requiredBytesIn(fields: Readonly<Record<string, unknown>>, name: string): Uint8Array {
  const bytes = bytesIn(fields, name);
  if (bytes !== undefined) return bytes;
  throw new BalsaError("INTERNAL", `the answer has no ${name}`);
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function escaped(bytes: Uint8Array, plain: RegExp): string {
  let text = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}
