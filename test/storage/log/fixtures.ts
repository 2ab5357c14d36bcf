/**
 * @module
 * What the tests of the log are made from: entries, operations, directories.
 */

import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryTypes, type PackedEntry } from "../../../src/codec/entries.ts";
import type { HardState, SnapshotMetadata } from "../../../src/raft/types.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";
import type { LogOperation } from "../../../src/storage/log/log-storage.ts";

export async function makeTemporaryDirectory(): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), "balsa-log-")));
}

export function removeDirectory(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/** A command whose bytes name the entry. */
export function command(term: number, text: string, time = 0): PackedEntry {
  return [term, time, entryTypes.command, Buffer.from(text)];
}

/** `count` commands of one term. */
export function commands(term: number, count: number): readonly PackedEntry[] {
  return Array.from({ length: count }, (_, position) => command(term, `command ${position} of term ${term}`));
}

/** An append of entries that ends the log. */
export function append(
  firstIndex: number,
  entries: readonly PackedEntry[],
  hardState: HardState | null = null,
): LogOperation {
  const term = entries.at(-1)?.[0] ?? 0;
  return { kind: "append", firstIndex, entries, hardState, term, lastIndex: firstIndex + entries.length - 1 };
}

/** Appends of `length` entries each, the last one of what is left: each is a record of its own. */
export function appendsOf(length: number, firstIndex: number, entries: readonly PackedEntry[]): LogOperation[] {
  const operations: LogOperation[] = [];
  for (let from = 0; from < entries.length; from += length) {
    operations.push(append(firstIndex + from, entries.slice(from, from + length)));
  }
  return operations;
}

/** An append of term and vote alone. */
export function vote(hardState: HardState, last = { term: 0, index: 0 }): LogOperation {
  return { kind: "append", firstIndex: last.index + 1, entries: [], hardState, term: last.term, lastIndex: last.index };
}

export function snapshotAt(index: number, term: number): SnapshotMetadata {
  return {
    lastIncludedIndex: index,
    lastIncludedTerm: term,
    lastIncludedTime: 1000 + index,
    configuration: { ...emptyConfiguration, voters: ["n1"] },
  };
}

/** The commands as text, for comparing. */
export function texts(entries: readonly PackedEntry[]): readonly string[] {
  return entries.map(([, , , payload]) => Buffer.from(payload).toString());
}

/** The message of what `call` rejects with; fails when it does not. */
export async function rejection(call: () => Promise<unknown>): Promise<Error> {
  try {
    await call();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("it was expected to reject");
}
