/**
 * @module
 * Answers to reads of a key.
 */

import type { KeyRead, KeyRecord } from "../kv/state-view.ts";
import type { Exchange, ReadAsk } from "./exchange.ts";
import { matchesEntityTag } from "./header.ts";
import { itemObject } from "./item-json.ts";

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
    exchange.send(200, headers, JSON.stringify(itemObject(ask.key, record)));
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
