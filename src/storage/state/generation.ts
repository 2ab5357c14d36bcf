/**
 * @module
 * Generations of the state: one directory each, `state/<number>/`, and one synced file, `state/CURRENT`, that
 * names the valid one (design: "Generations").
 *
 * A crash at any step leaves exactly one: a generation counts only once CURRENT names it, and CURRENT is
 * replaced by renaming. What it does not name is removed when the state is opened.
 */

import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { StorageError } from "../../errors/balsa-error.ts";
import { errorCode, makeDirectoryDurably, removeDurably, writeFileDurably } from "../files.ts";

const currentName = "CURRENT";
const currentPattern = /^balsa-state 1 generation (\d{1,15}) ([0-9a-f]{8})\n$/;
const generationPattern = /^\d{1,15}$/;

/** The generation that CURRENT names; null when there is none, or it is damaged: the state is then rebuilt. */
export async function readCurrentGeneration(stateDirectory: string): Promise<number | null> {
  const path = join(stateDirectory, currentName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return null;
    throw new StorageError(`cannot read ${path}: ${errorCode(cause)}`, { cause });
  }
  const number = currentPattern.exec(text)?.[1];
  return number !== undefined && currentText(Number(number)) === text ? Number(number) : null;
}

/** From here on the generation is the valid one. Its rows must be durable already. Durable when it resolves. */
export async function writeCurrentGeneration(stateDirectory: string, generation: number): Promise<void> {
  await writeFileDurably(join(stateDirectory, currentName), new TextEncoder().encode(currentText(generation)));
}

/** Every generation that has a directory, ascending. */
export async function listGenerations(stateDirectory: string): Promise<number[]> {
  const names = await readdir(stateDirectory);
  return names
    .filter((name) => generationPattern.test(name))
    .map(Number)
    .sort((one, other) => one - other);
}

/** An empty directory for the next generation, above all that ever had one here; its real path. */
export async function makeGeneration(stateDirectory: string): Promise<{ generation: number; path: string }> {
  const taken = await listGenerations(stateDirectory);
  const current = (await readCurrentGeneration(stateDirectory)) ?? 0;
  const generation = Math.max(0, current, ...taken) + 1;
  await makeDirectoryDurably(generationPath(stateDirectory, generation));
  return { generation, path: await realpath(generationPath(stateDirectory, generation)) };
}

/** Removes every generation but `kept`. Nobody may hold one of them open. */
export async function removeOtherGenerations(stateDirectory: string, kept: number): Promise<void> {
  for (const generation of await listGenerations(stateDirectory))
    if (generation !== kept) await removeDurably(generationPath(stateDirectory, generation));
}

export function generationPath(stateDirectory: string, generation: number): string {
  return join(stateDirectory, String(generation));
}

function currentText(generation: number): string {
  const words = `balsa-state 1 generation ${generation}`;
  return `${words} ${crc32(words).toString(16).padStart(8, "0")}\n`;
}
