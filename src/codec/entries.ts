/**
 * @module
 * Log entries as bytes: one packing for the edges between threads and for peers, so that what one node
 * encoded travels unchanged.
 *
 * A packed run is a CBOR array of `[term, time, type, payload]`; indices are implied by the first.
 */

import type { ConfigurationChange, Entry, LogIndex } from "../raft/types.ts";
import { decode, encode } from "./codec.ts";

/** Entry types as they stand on disk and wire. */
export const entryTypes = { command: 0, noop: 1, configuration: 2 } as const;

/** An entry to those who do not interpret it: `payload` is the command, or a change in CBOR. */
export type PackedEntry = readonly [term: number, time: number, type: number, payload: Uint8Array];

const nothing = new Uint8Array(0);

export function packEntry(entry: Entry): PackedEntry {
  switch (entry.kind) {
    case "command":
      return [entry.term, entry.time, entryTypes.command, entry.command];
    case "noop":
      return [entry.term, entry.time, entryTypes.noop, nothing];
    case "configuration":
      return [entry.term, entry.time, entryTypes.configuration, encode(entry.change)];
  }
}

/** The inverse of `packEntry`, for entries that this node or a parser at the border has already checked. */
export function unpackEntry(packed: PackedEntry, index: LogIndex): Entry {
  const [term, time, type, payload] = packed;
  switch (type) {
    case entryTypes.command:
      return { kind: "command", term, index, time, command: payload };
    case entryTypes.noop:
      return { kind: "noop", term, index, time };
    default:
      return { kind: "configuration", term, index, time, change: decode(payload) as ConfigurationChange };
  }
}

export function encodeEntries(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  return entries.length === 0 ? new Uint8Array(0) : encode(entries.map(packEntry));
}

/** Entries packed by this process; for bytes of a peer see the parser in src/transport. */
export function decodePacked(bytes: Uint8Array): readonly PackedEntry[] {
  return bytes.byteLength === 0 ? [] : (decode(bytes) as readonly PackedEntry[]);
}

export function decodeEntries(bytes: Uint8Array, firstIndex: LogIndex): Entry[] {
  return decodePacked(bytes).map((packed, offset) => unpackEntry(packed, firstIndex + offset));
}
