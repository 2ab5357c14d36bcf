/**
 * @module
 * What the processes of a directory before this one may have given their word for (`src/raft/lease.ts`): a node that is
 * started with other settings waits until the old word is over, for its core will only know of the new one.
 */

import { readFile } from "node:fs/promises";
import { StorageError } from "../errors/balsa-error.ts";
import { errorCode, removeDurably, writeFileDurably } from "../storage/files.ts";

/**
 * Resolves once no word of another length than `voteHoldMs` can hold, and that length is on disk; 0: no word is given, and
 * there is no file. Throws a StorageError when the file does not say how long.
 */
export async function renewVoteHold(file: string, voteHoldMs: number): Promise<void> {
  const before = await readVoteHold(file);
  if (before === voteHoldMs) return;
  await new Promise((resolve) => {
    setTimeout(resolve, before);
  });
  if (voteHoldMs === 0) await removeDurably(file);
  else await writeFileDurably(file, Buffer.from(`${voteHoldMs}\n`));
}

async function readVoteHold(file: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return 0;
    throw new StorageError(`cannot read ${file}: ${errorCode(cause)}`, { cause });
  }
  const milliseconds = Number(text);
  if (Number.isSafeInteger(milliseconds) && milliseconds > 0) return milliseconds;
  throw new StorageError(`${file} does not say how many milliseconds: wait for a few seconds, then remove it`);
}
