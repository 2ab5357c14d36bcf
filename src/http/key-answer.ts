/**
 * @module
 * Answers about keys: what a read found, what a write did.
 */

import { isUtf8 } from "node:buffer";
import type { Result } from "../kv/result.ts";
import type { KeyRead, KeyRecord } from "../kv/state-view.ts";
import type { Exchange, ReadAsk } from "./exchange.ts";
import { matchesEntityTag } from "./header.ts";

/** `ageMs` is what Balsa-Age-Ms says; below 0 nothing is said. */
export function answerRead(exchange: Exchange, ask: ReadAsk, read: KeyRead, ageMs: number): void {
  const { revision, record } = read;
  if (record !== undefined && ask.ifNoneMatch === undefined && !ask.json) {
    exchange.sendWhole(200, valueHeaders(record, revision, ageMs), record.value);
    return;
  }
  const headers = record === undefined ? [] : ["ETag", `"${record.modRevision}"`];
  headers.push("Balsa-Revision", String(revision));
  if (ageMs >= 0) headers.push("Balsa-Age-Ms", String(ageMs));
  if (record === undefined) {
    exchange.refuse("KEY_NOT_FOUND", "there is no such key", headers);
  } else if (ask.ifNoneMatch !== undefined && matchesEntityTag(ask.ifNoneMatch, record.modRevision)) {
    exchange.send(304, headers, "");
  } else if (ask.json) {
    headers.push("Content-Type", "application/json");
    exchange.send(200, headers, recordJson(ask.key, record));
  } else {
    exchange.sendWhole(200, valueHeaders(record, revision, ageMs), record.value);
  }
}

/** The one answer that has to be made fast: a list in one piece, of exactly its size. */
function valueHeaders(record: KeyRecord, revision: number, ageMs: number): string[] {
  const length = String(record.value.length);
  const tag = `"${record.modRevision}"`;
  const at = String(revision);
  const type = "application/octet-stream";
  return ageMs < 0
    ? ["Content-Type", type, "Content-Length", length, "ETag", tag, "Balsa-Revision", at]
    : [
        "Content-Type",
        type,
        "Content-Length",
        length,
        "ETag",
        tag,
        "Balsa-Revision",
        at,
        "Balsa-Age-Ms",
        String(ageMs),
      ];
}

function recordJson(key: Uint8Array, record: KeyRecord): string {
  return JSON.stringify({
    ...textOrBase64("key", key),
    ...textOrBase64("value", record.value),
    createRevision: record.createRevision,
    modRevision: record.modRevision,
    version: record.version,
    lease: record.leaseId === 0 ? null : String(record.leaseId),
  });
}

function textOrBase64(name: string, bytes: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { [name]: buffer.toString("utf8") } : { [`${name}Base64`]: buffer.toString("base64") };
}

export function answerWrite(exchange: Exchange, revision: number, result: Result): void {
  const headers = ["Balsa-Revision", String(revision)];
  switch (result.kind) {
    case "put":
      headers.push("ETag", `"${result.modRevision}"`);
      exchange.send(204, headers, "");
      return;
    case "deleted":
      headers.push("Balsa-Deleted", String(result.deleted));
      exchange.send(204, headers, "");
      return;
    case "putAll":
      headers.push("Content-Type", "application/json");
      exchange.send(200, headers, JSON.stringify({ revision }));
      return;
    case "conditionFailed":
      if (result.modRevision > 0) headers.push("ETag", `"${result.modRevision}"`);
      exchange.refuse("PRECONDITION_FAILED", conditionDetail(result.modRevision), headers);
      return;
    case "leaseNotFound":
      exchange.refuse("LEASE_NOT_FOUND", `there is no lease ${result.leaseId}`, headers);
      return;
    default:
      exchange.refuse("INTERNAL", `a ${result.kind} is not what was asked for`, headers);
  }
}

function conditionDetail(modRevision: number): string {
  return modRevision === 0 ? "the key does not exist" : `the key stands at revision ${modRevision}`;
}
