/**
 * @module
 * Plants one bug after the other and counts the seeds that the simulator needs to find it.
 */

import { AlteredCopy } from "./altered-copy.ts";
import { type PlantedBug, plantedBugs } from "./planted-bugs.ts";

export interface PlantedOptions {
  readonly firstSeed: number;
  /** A bug that so many seeds have not found is not found. */
  readonly seedsMax: number;
  /** Only bugs whose names contain it. */
  readonly only: string;
  /** Whether all tests but the simulator are run against each bug, too: slow. */
  readonly others: boolean;
  readonly out: (line: string) => void;
  /** Told before each bug. */
  readonly onProgress: (line: string) => void;
}

/** Milliseconds that the simulator may take to find one bug. */
const findWallMsMax = 120_000;
/** Milliseconds that all other tests may take. */
const othersWallMsMax = 10 * 60_000;

/** Gives whether all were found. */
export async function findPlanted(options: PlantedOptions): Promise<boolean> {
  const { out } = options;
  const chosen = plantedBugs.filter(({ name }) => name.includes(options.only));
  const copy = new AlteredCopy();
  const found: number[] = [];
  let passed = 0;
  try {
    for (const [at, bug] of chosen.entries()) {
      options.onProgress(`${at} of ${chosen.length}, ${found.length} found: ${bug.name}`);
      const file = `dist/src/${bug.file}.js`;
      const text = altered(copy.read(file), bug);
      const { seeds, invariant } = await copy.with(file, text, () => find(copy, options));
      const others = options.others ? await copy.with(file, text, () => passesOthers(copy)) : null;
      if (others === true) passed += 1;
      if (seeds !== null) found.push(seeds);
      const said = seeds === null ? "NOT FOUND" : `${seeds} seeds`;
      const elsewhere = others === null ? "" : others ? "; passes all other tests" : "; fails other tests";
      out(`${said.padStart(12)}  ${bug.name}${elsewhere}${invariant === "" ? "" : `  (${invariant})`}`);
    }
  } finally {
    copy.remove();
  }
  out(`${found.length} of ${chosen.length} planted bugs found, after ${medianOf(found)} seeds in the median`);
  if (options.others) out(`${passed} of ${chosen.length} pass all other tests`);
  return found.length === chosen.length;
}

export function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? 0;
}

/** Throws when the text is not there exactly once: the bug has to be planted anew. */
export function altered(contents: string, { name, file, text, replacement }: PlantedBug): string {
  const parts = contents.split(text);
  if (parts.length !== 2) throw new RangeError(`"${name}": its line is in ${file} ${parts.length - 1} times`);
  return parts.join(replacement);
}

async function find(
  copy: AlteredCopy,
  { firstSeed, seedsMax }: PlantedOptions,
): Promise<{ readonly seeds: number | null; readonly invariant: string }> {
  const options = ["--seeds", `${seedsMax}`, "--first", `${firstSeed}`, "--once", "--brief"];
  const { output } = await copy.run("dist/test/sim/main.js", options, findWallMsMax);
  const match = /^seed (\d+) fails: ([^:\n]*)/m.exec(output);
  if (match === null) return { seeds: null, invariant: "" };
  return { seeds: Number(match[1]) - firstSeed + 1, invariant: match[2] ?? "" };
}

async function passesOthers(copy: AlteredCopy): Promise<boolean> {
  const options = ["--spec", "dist/test/**/*.test.js", "--ignore", "dist/test/sim/**", "--bail"];
  const { code } = await copy.run("node_modules/mocha/bin/mocha.js", options, othersWallMsMax);
  return code === 0;
}
