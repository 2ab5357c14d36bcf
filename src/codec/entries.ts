/**
 * @module
 * Log entries as bytes: one packing for the edges between threads and for peers, so that what one node
 * encoded travels unchanged.
 *
 * A packed run is a CBOR array of `[term, time, type, payload]`; indices are implied by the first.
 */

import type { ConfigurationChange, Entry, LogIndex } from "../raft/types.ts";
import { CborReader } from "./cbor-reader.ts";
import { CborWriter, headBytes, wholeBytes } from "./cbor-writer.ts";
import { decode, decodeUntrusted, encode } from "./codec.ts";
import { CodecError } from "./codec-error.ts";
import { parseConfigurationChange } from "./configuration.ts";
import { defaultCodecLimits } from "./well-formed.ts";

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
  return encodePacked(entries.map(packEntry));
}

/** The run in bytes of its own; no bytes for no entries. */
export function encodePacked(entries: readonly PackedEntry[]): Uint8Array<ArrayBuffer> {
  return entries.length === 0 ? new Uint8Array(0) : encodePackedBehind(0, entries);
}

/** The run, of at least one entry, behind `prefixBytes` bytes that the caller fills in. */
export function encodePackedBehind(prefixBytes: number, entries: readonly PackedEntry[]): Uint8Array<ArrayBuffer> {
  let bytes = prefixBytes + headBytes(entries.length);
  for (const [term, time, type, payload] of entries) {
    bytes += 1 + wholeBytes(term) + wholeBytes(time) + wholeBytes(type);
    bytes += headBytes(payload.byteLength) + payload.byteLength;
  }
  const writer = new CborWriter(bytes);
  writer.skip(prefixBytes);
  writer.writeArrayLength(entries.length);
  for (const [term, time, type, payload] of entries) {
    writer.writeArrayLength(4);
    writer.writeWhole(term);
    writer.writeWhole(time);
    writer.writeWhole(type);
    writer.writeBytes(payload);
  }
  return writer.bytes;
}

/** Entries packed by this process; for bytes of a peer or a disk see `entriesFromPeer`. Payloads are views of `bytes`. */
export function decodePacked(bytes: Uint8Array): readonly PackedEntry[] {
  const entries: PackedEntry[] = [];
  if (bytes.byteLength === 0) return entries;
  const reader = new CborReader(bytes);
  for (let left = reader.readArrayLength(); left > 0; left -= 1) {
    reader.readArrayLength();
    entries.push([reader.readWhole(), reader.readWhole(), reader.readWhole(), reader.readBytes()]);
  }
  return entries;
}

export function decodeEntries(bytes: Uint8Array, firstIndex: LogIndex): Entry[] {
  return decodePacked(bytes).map((packed, offset) => unpackEntry(packed, firstIndex + offset));
}

/** What one packed run of a peer may hold: at least as many as a leader's append does (the core counts 32 bytes an entry and more). */
export interface EntryLimits {
  readonly entriesMax: number;
}

/** Far above what one append of a leader holds; a run of this length is parsed in about 25 ms. */
export const defaultEntryLimits: EntryLimits = { entriesMax: 65_536 };

/**
 * Parses a run that somebody else packed, in one pass: every entry is four fields of the right kind, terms do not
 * fall (§5.3), a change of members is checked field by field. Commands are views of `bytes`.
 *
 * Throws `CodecError`. Empty bytes are no entries.
 */
export function entriesFromPeer(bytes: Uint8Array, firstIndex: LogIndex, limits: EntryLimits): Entry[] {
  if (bytes.byteLength === 0) return [];
  const reader = new CborReader(bytes);
  const count = reader.readArrayLength();
  if (count === 0) throw new CodecError("an empty run is empty bytes", 0);
  if (count > limits.entriesMax) throw new CodecError(`more than ${limits.entriesMax} entries`, 0);
  if (!Number.isSafeInteger(firstIndex + count)) throw new CodecError("an index above 2^53", 0);
  const entries: Entry[] = [];
  let lastTerm = 0;
  for (let position = 0; position < count; position += 1) {
    const start = reader.offset;
    const entry = entryFromPeer(reader, firstIndex + position);
    if (entry.term < lastTerm) throw new CodecError("a term below the one before", start);
    lastTerm = entry.term;
    entries.push(entry);
  }
  reader.readEnd();
  return entries;
}

function entryFromPeer(reader: CborReader, index: LogIndex): Entry {
  const start = reader.offset;
  if (reader.readArrayLength() !== 4) throw new CodecError("an entry is four fields", start);
  const term = reader.readWhole();
  const time = reader.readWhole();
  const type = reader.readWhole();
  const payload = reader.readBytes();
  switch (type) {
    case entryTypes.command:
      return { kind: "command", term, index, time, command: payload };
    case entryTypes.noop:
      if (payload.byteLength > 0) throw new CodecError("a noop with a payload", start);
      return { kind: "noop", term, index, time };
    case entryTypes.configuration: {
      const change = parseConfigurationChange(decodeUntrusted(payload, defaultCodecLimits));
      return { kind: "configuration", term, index, time, change };
    }
    default:
      throw new CodecError("an unknown type of entry", start);
  }
}
