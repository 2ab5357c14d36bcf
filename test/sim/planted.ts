/**
 * @module
 * Plants one bug after the other and counts the seeds that the simulator needs to find it.
 */

import { availableParallelism } from "node:os";
import { AlteredCopy } from "./altered-copy.ts";
import { type PlantedBug, plantedBugs } from "./planted-bugs.ts";
import { plantedForms } from "./planted-forms.ts";
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
const findAllWallMsMax = 20 * 60_000;
/** So many bugs are looked for at once. */
const searchesMax = 2;
/** Milliseconds that all other tests may take. */
const othersWallMsMax = 10 * 60_000;
/** Folders of tests that need no processes: they are quick, and whom they find need not be held against all others. */
const quickTests = "dist/test/{raft,paper,scenarios,actors,storage,kv,codec,transport,conformance}/**/*.test.js";

export const allPlanted: readonly PlantedBug[] = [...plantedBugs, ...plantedForms];

interface Found {
  readonly bug: PlantedBug;
  /** Null: not found. */
  readonly seeds: number | null;
  /** What it broke. */
  readonly invariant: string;
}

interface Search extends Pick<PlantedOptions, "firstSeed" | "seedsMax"> {
  readonly endsAt: number;
  readonly isSound: Soundness;
}

/** Whether a seed goes well without any bug. */
type Soundness = (copy: AlteredCopy, seed: number) => Promise<boolean>;

interface Tried extends Found {
  /** Whether it passes all other tests; null when they were not run. */
  readonly passesOthers: boolean | null;
}

/** Gives whether all were found. */
export async function findPlanted(options: PlantedOptions): Promise<boolean> {
  const { out, only } = options;
  const chosen = allPlanted.filter(({ name }) => name.includes(only));
  const found = await findAll(chosen, options);
  const sample = new Set(new Random(options.firstSeed, "others").some(chosen, options.others));
  const tried = await tryOthers(found, sample, options);
  for (const line of tableOf(tried)) out(line);
  return tried.every(({ seeds }) => seeds !== null);
}

/** Several at once, each in a copy of its own: the simulator takes one core. */
async function findAll(chosen: readonly PlantedBug[], options: PlantedOptions): Promise<Found[]> {
  const endsAt = performance.now() + findAllWallMsMax;
  const search: Search = { ...options, endsAt, isSound: soundness(options.out) };
  const left = chosen.toReversed();
  const found: Found[] = [];
  const work = async (): Promise<void> => {
    const copy = new AlteredCopy();
    try {
      for (let bug = left.pop(); bug !== undefined; bug = left.pop()) {
        options.onProgress(`${found.length} of ${chosen.length}: ${bug.name}`);
        found.push({ bug, ...(await find(copy, bug, search)) });
      }
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: Math.min(searchesMax, availableParallelism()) }, work));
  return found;
}

/** One after the other: tests of real processes must not wait for each other. */
async function tryOthers(
  found: readonly Found[],
  sample: ReadonlySet<PlantedBug>,
  { onProgress }: PlantedOptions,
): Promise<Tried[]> {
  const copy = new AlteredCopy();
  const tried: Tried[] = [];
  try {
    if (sample.size > 0 && !(await passOthers(copy))) {
      throw new Error("other tests fail without any of the bugs: what they say of one means nothing");
    }
    for (const one of found) {
      const isDrawn = sample.has(one.bug);
      if (isDrawn) onProgress(`all other tests: ${one.bug.name}`);
      const passes = isDrawn ? await planted(copy, one.bug, () => passOthers(copy)) : null;
      tried.push({ ...one, passesOthers: passes });
    }
  } finally {
    copy.remove();
  }
  return tried;
}

/** The bugs by the seeds that each took, and what all came to. */
function tableOf(tried: readonly Tried[]): string[] {
  const rank = ({ seeds }: Tried): number => seeds ?? Number.POSITIVE_INFINITY;
  const width = Math.max(...tried.map(({ bug }) => bug.name.length), 0);
  const lines = tried
    .toSorted((one, other) => rank(one) - rank(other))
    .map((one) => {
      const seeds = one.seeds === null ? "NOT FOUND" : `${one.seeds}`;
      const others = one.passesOthers === null ? "" : one.passesOthers ? "passes all others" : "fails others";
      return `${seeds.padStart(9)}  ${one.bug.name.padEnd(width)} ${one.invariant.padEnd(50)} ${others}`.trimEnd();
    });
  const found = tried.flatMap(({ seeds }) => (seeds === null ? [] : [seeds]));
  lines.unshift(`${"seeds".padStart(9)}  ${"planted bug".padEnd(width)} invariant that it broke`);
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
  bug: PlantedBug,
  { firstSeed, seedsMax, endsAt: allEndAt, isSound }: Search,
): Promise<Pick<Found, "seeds" | "invariant">> {
  const endsAt = Math.min(allEndAt, performance.now() + findWallMsMax);
  for (let tried = 0; ; ) {
    const options = ["--seeds", `${seedsMax - tried}`, "--first", `${firstSeed + tried}`, "--once", "--brief"];
    const wallMsMax = Math.max(1, endsAt - performance.now());
    const { output } = await planted(copy, bug, () => copy.run("dist/test/sim/main.js", options, wallMsMax));
    const match = /^seed (\d+) fails: ([^:\n]*)/m.exec(output);
    if (match === null) return { seeds: null, invariant: "" };
    const seed = Number(match[1]);
    tried = seed - firstSeed + 1;
    if (await isSound(copy, seed)) return { seeds: tried, invariant: match[2] ?? "" };
  }
}

/** Tells once of each seed that does not go well by itself: it counts for no bug. */
function soundness(out: PlantedOptions["out"]): Soundness {
  const known = new Map<number, Promise<boolean>>();
  const judge = async (copy: AlteredCopy, seed: number): Promise<boolean> => {
    const { code } = await copy.run("dist/test/sim/main.js", ["--seed", `${seed}`, "--quiet"], findWallMsMax);
    if (code !== 0) out(`seed ${seed} fails without any of the bugs, and counts for none`);
    return code === 0;
  };
  return (copy, seed) => {
    const judged = known.get(seed) ?? judge(copy, seed);
    known.set(seed, judged);
    return judged;
  };
}

async function passOthers(copy: AlteredCopy): Promise<boolean> {
  const mocha = "node_modules/mocha/bin/mocha.js";
  const quick = ["--no-config", "--timeout", "20000", "--bail", "--spec", quickTests];
  if ((await copy.run(mocha, quick, othersWallMsMax)).code !== 0) return false;
  const rest = ["--bail", "--spec", "dist/test/**/*.test.js", "--ignore", "dist/test/sim/**", "--ignore", quickTests];
  return (await copy.run(mocha, rest, othersWallMsMax)).code === 0;
}

/** Runs `work` while the bug is in the copy. */
function planted<Result>(copy: AlteredCopy, bug: PlantedBug, work: () => Promise<Result>): Promise<Result> {
  const file = `dist/src/${bug.file}.js`;
  return copy.with(file, altered(copy.read(file), bug), work);
}
