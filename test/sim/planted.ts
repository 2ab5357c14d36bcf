/**
 * @module
 * Plants one bug after the other and counts the seeds that the simulator needs to find it.
 */

import { AlteredCopy } from "./altered-copy.ts";
import { type PlantedBug, plantedBugs } from "./planted-bugs.ts";
import { Random } from "./random.ts";

export interface PlantedOptions {
  readonly firstSeed: number;
  /** A bug that so many seeds have not found is not found. */
  readonly seedsMax: number;
  /** Only bugs whose names contain it. */
  readonly only: string;
  /** Against so many, drawn by `firstSeed`, all tests but the simulator are run, too: slow. */
  readonly others: number;
  readonly out: (line: string) => void;
  /** Told before each bug. */
  readonly onProgress: (line: string) => void;
}

/** Milliseconds that the simulator may take to find one bug, and all of them. */
const findWallMsMax = 120_000;
const findAllWallMsMax = 15 * 60_000;
/** Milliseconds that all other tests may take. */
const othersWallMsMax = 10 * 60_000;
/** Folders of tests that need no processes: they are quick, and whom they find need not be held against all others. */
const quickTests = "dist/test/{raft,paper,scenarios,actors,storage,kv,codec,transport,conformance}/**/*.test.js";

interface Tried {
  readonly bug: PlantedBug;
  /** Null: not found. */
  readonly seeds: number | null;
  /** What it broke. */
  readonly invariant: string;
  /** Whether it passes all other tests; null when they were not run. */
  readonly passesOthers: boolean | null;
}

/** Gives whether all were found. */
export async function findPlanted(options: PlantedOptions): Promise<boolean> {
  const { out, onProgress } = options;
  const chosen = plantedBugs.filter(({ name }) => name.includes(options.only));
  const sample = new Set(new Random(options.firstSeed, "others").some(chosen, options.others));
  const copy = new AlteredCopy();
  const tried: Tried[] = [];
  let leftMs = findAllWallMsMax;
  try {
    for (const bug of chosen) {
      onProgress(`${tried.length} of ${chosen.length}: ${bug.name}`);
      const file = `dist/src/${bug.file}.js`;
      const text = altered(copy.read(file), bug);
      const beganAt = performance.now();
      const wallMsMax = Math.max(1, Math.min(findWallMsMax, leftMs));
      const found = await copy.with(file, text, () => find(copy, options, wallMsMax));
      leftMs -= performance.now() - beganAt;
      const others = sample.has(bug) ? await copy.with(file, text, () => passesOthers(copy)) : null;
      tried.push({ bug, ...found, passesOthers: others });
    }
  } finally {
    copy.remove();
  }
  for (const line of tableOf(tried)) out(line);
  return tried.every(({ seeds }) => seeds !== null);
}

/** The bugs by the seeds that each took, and what all came to. */
function tableOf(tried: readonly Tried[]): string[] {
  const rank = ({ seeds }: Tried): number => seeds ?? Number.POSITIVE_INFINITY;
  const lines = tried
    .toSorted((one, other) => rank(one) - rank(other))
    .map((one) => {
      const seeds = one.seeds === null ? "NOT FOUND" : `${one.seeds}`;
      const others = one.passesOthers === null ? "" : one.passesOthers ? "passes all others" : "fails others";
      return `${seeds.padStart(9)}  ${one.bug.name.padEnd(76)} ${one.invariant.padEnd(50)} ${others}`.trimEnd();
    });
  const found = tried.flatMap(({ seeds }) => (seeds === null ? [] : [seeds]));
  lines.unshift(`${"seeds".padStart(9)}  ${"planted bug".padEnd(76)} invariant that it broke`);
  lines.push(`${found.length} of ${tried.length} planted bugs found, after ${medianOf(found)} seeds in the median`);
  const held = tried.filter(({ passesOthers }) => passesOthers !== null);
  const passed = held.filter(({ passesOthers }) => passesOthers === true).length;
  if (held.length > 0) lines.push(`${passed} of ${held.length} pass all other tests`);
  return lines;
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
  wallMsMax: number,
): Promise<{ readonly seeds: number | null; readonly invariant: string }> {
  const options = ["--seeds", `${seedsMax}`, "--first", `${firstSeed}`, "--once", "--brief"];
  const { output } = await copy.run("dist/test/sim/main.js", options, wallMsMax);
  const match = /^seed (\d+) fails: ([^:\n]*)/m.exec(output);
  if (match === null) return { seeds: null, invariant: "" };
  return { seeds: Number(match[1]) - firstSeed + 1, invariant: match[2] ?? "" };
}

async function passesOthers(copy: AlteredCopy): Promise<boolean> {
  const mocha = "node_modules/mocha/bin/mocha.js";
  const quick = ["--no-config", "--timeout", "20000", "--bail", "--spec", quickTests];
  if ((await copy.run(mocha, quick, othersWallMsMax)).code !== 0) return false;
  const rest = ["--bail", "--spec", "dist/test/**/*.test.js", "--ignore", "dist/test/sim/**", "--ignore", quickTests];
  return (await copy.run(mocha, rest, othersWallMsMax)).code === 0;
}
