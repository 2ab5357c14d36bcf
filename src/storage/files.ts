/**
 * @module
 * Files that are whole or not there: what is written is synced, and so is the directory that names it.
 *
 * Every function here throws `StorageError` when the disk refuses; whether the bytes are there is then unknown.
 */

import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { StorageError } from "../errors/balsa-error.ts";

/** Replaces the file by `bytes`: whoever reads it, also after a crash, finds all of the old or all of the new. Durable when it resolves. */
export async function writeFileDurably(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeSyncedFile(temporary, bytes);
  await renameDurably(temporary, path);
}

/** Writes and syncs the file, not yet its name: follow with `renameDurably` or `syncDirectory`. */
export async function writeSyncedFile(path: string, bytes: Uint8Array): Promise<void> {
  await orStorageError(`cannot write ${path}`, async () => {
    const file = await open(path, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Renames within one file system; the new name, and that the old one is gone, are durable when it resolves. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await orStorageError(`cannot rename ${from} to ${to}`, () => rename(from, to));
  await syncDirectory(dirname(to));
  if (resolve(dirname(from)) !== resolve(dirname(to))) await syncDirectory(dirname(from));
}

/** Makes the directory and those above it that are missing, and their names durable. */
export async function makeDirectoryDurably(path: string): Promise<void> {
  const absolute = resolve(path);
  const first = await orStorageError(`cannot make the directory ${absolute}`, () =>
    mkdir(absolute, { recursive: true }),
  );
  if (first === undefined) return;
  for (let made = absolute; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Removes the file or directory with all below it, when it is there; durable when it resolves. */
export async function removeDurably(path: string): Promise<void> {
  await orStorageError(`cannot remove ${path}`, () => rm(path, { recursive: true, force: true }));
  await syncDirectory(dirname(path));
}

/** Makes the bytes of an existing file durable. */
export async function syncFile(path: string): Promise<void> {
  await syncPath(path);
}

/** Makes the names in a directory durable: after files in it were made, renamed or removed. */
export async function syncDirectory(path: string): Promise<void> {
  await syncPath(path);
}

/** The system's code of a failed call (`ENOSPC`, `EACCES`), the error's text when it has none. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return String(error);
}

async function syncPath(path: string): Promise<void> {
  await orStorageError(`cannot sync ${path}`, async () => {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

async function orStorageError<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    throw new StorageError(`${what}: ${errorCode(cause)}`, { cause });
  }
}
