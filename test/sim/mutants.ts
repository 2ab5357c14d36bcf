/**
 * @module
 * Mechanical changes of the compiled core and storage, one at a time: a test of theirs, or the simulator, has to notice
 * each. What nobody notices is either of no consequence or not looked at.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { AlteredCopy, type Ended } from "./altered-copy.ts";
import { Random } from "./random.ts";
import { knownSurvivors } from "./survivors.ts";

export interface MutantOptions {
  /** How many of all are drawn by `sampleSeed`. */
  readonly sample: number;
  readonly sampleSeed: number;
  /** So many of the sample are left out: an earlier run has tried them. */
  readonly from: number;
  /** None is begun after that; the last line says where to go on. */
  readonly wallMsMax: number;
  /** Seeds of the simulator that each must get past to survive. */
  readonly seeds: number;
  readonly out: (line: string) => void;
}

export interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** Folders below `dist/src`, and the tests that are to notice what changes in them, the quick ones first. */
const targets = [
  {
    folder: "raft",
    specs: ["raft/!(safety).test.js", "paper/*.test.js", "scenarios/*.test.js", "raft/safety.test.js"],
  },
  { folder: "storage/log", specs: ["storage/log/*.test.js", "actors/log/*.test.js"] },
  { folder: "storage/watermark", specs: ["storage/watermark/*.test.js", "storage/log/*.test.js"] },
  { folder: "storage/state", specs: ["storage/state/*.test.js", "actors/store/*.test.js"] },
  { folder: "storage/snapshot", specs: ["storage/snapshot/*.test.js", "actors/store/*.test.js"] },
  // Last: the others lie in it.
  { folder: "storage", specs: ["storage/*.test.js", "storage/{watermark,snapshot,state}/*.test.js"] },
] as const;

const exchanges: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/ <= /g, " < "],
  [/ < /g, " <= "],
  [/ >= /g, " > "],
  [/ > /g, " >= "],
  [/ === /g, " !== "],
  [/ !== /g, " === "],
  [/ && /g, " || "],
  [/ \|\| /g, " && "],
  [/ \+ 1\b/g, ""],
  [/ - 1\b/g, ""],
  [/\bMath\.min\(/g, "Math.max("],
  [/\bMath\.max\(/g, "Math.min("],
  [/\btrue\b/g, "false"],
  [/\bfalse\b/g, "true"],
];

/** A call, an assignment or a return without a value, on a line of its own. */
const statement = /^\s+(?!const |let |return |throw |assert\()[\w.#?]+(\(.*\)| [-+]?= .*);$/;
const untouched = /^\s*(\/\/|\*|\/\*|import |export \{|case |assert\()/;
/** Milliseconds that the tests, and after them the simulator, may take for one mutant. */
const oneWallMsMax = 90_000;

type Verdict = "tests" | "simulator" | "too long" | "SURVIVES";

/**
 * Gives the share of those tried that was noticed. What takes too long counts as noticed, and is said. Throws when
 * something fails without any change: then everything would count as noticed.
 */
export async function tryMutants(options: MutantOptions): Promise<number> {
  const { out, sample, sampleSeed, from, wallMsMax } = options;
  const copy = new AlteredCopy();
  const verdicts: Verdict[] = [];
  let unexplained = 0;
  try {
    const all = targets.flatMap(({ folder }) => mutantsOf(copy, folder));
    const chosen = new Random(sampleSeed, "mutants").some(all, sample);
    out(`${chosen.length} of ${all.length} mutants, drawn with --first ${sampleSeed}`);
    await refuseUnsound(copy, options);
    const endsAt = performance.now() + wallMsMax;
    for (const mutant of chosen.slice(from)) {
      if (performance.now() >= endsAt) break;
      const verdict = await verdictOn(copy, mutant, options);
      verdicts.push(verdict);
      const why = verdict === "SURVIVES" ? reasonFor(mutant) : undefined;
      if (verdict === "SURVIVES" && why === undefined) unexplained += 1;
      const number = `${from + verdicts.length}`.padStart(4);
      out(`${number} ${verdict.padEnd(10)} ${described(mutant)}${why === undefined ? "" : `  (${why})`}`);
    }
    if (from + verdicts.length < chosen.length) out(`go on with --from ${from + verdicts.length}`);
    return report(verdicts, unexplained, out);
  } finally {
    copy.remove();
  }
}

function report(verdicts: readonly Verdict[], unexplained: number, out: MutantOptions["out"]): number {
  const survivors = verdicts.filter((verdict) => verdict === "SURVIVES").length;
  const share = verdicts.length === 0 ? 1 : (verdicts.length - survivors) / verdicts.length;
  out(
    `${verdicts.length - survivors} of ${verdicts.length} mutants were noticed: ${(100 * share).toFixed(1)} %; ` +
      `of ${survivors} survivors nothing is known of ${unexplained}`,
  );
  return share;
}

function mutantsOf(copy: AlteredCopy, folder: string): Mutant[] {
  const directory = join("dist/src", folder);
  const files = readdirSync(join(copy.directory, directory)).filter((name) => name.endsWith(".js"));
  return files.sort().flatMap((name) => {
    const file = join(directory, name);
    return copy
      .read(file)
      .split("\n")
      .flatMap((text, at) => changesOf(text).map((after) => ({ file, line: at + 1, before: text, after })));
  });
}

/** What one line could be instead. */
export function changesOf(line: string): string[] {
  if (untouched.test(line)) return [];
  const changes: string[] = [];
  for (const [pattern, replacement] of exchanges) {
    for (const { index, 0: found } of line.matchAll(pattern)) {
      changes.push(line.slice(0, index) + replacement + line.slice(index + found.length));
    }
  }
  if (statement.test(line)) changes.push("");
  return changes;
}

async function refuseUnsound(copy: AlteredCopy, options: MutantOptions): Promise<void> {
  for (const { folder, specs } of targets)
    if (isNoticed(await runTests(copy, specs))) throw new Error(`the tests of src/${folder} fail without any change`);
  if (isNoticed(await simulate(copy, options)))
    throw new Error(
      `a seed of the simulator fails without any change: take another --first than ${options.sampleSeed}`,
    );
}

function runTests(copy: AlteredCopy, specs: readonly string[]): Promise<Ended> {
  const patterns = specs.flatMap((spec) => ["--spec", `dist/test/${spec}`]);
  const mocha = ["--no-config", "--timeout", "10000", "--bail", ...patterns];
  return copy.run("node_modules/mocha/bin/mocha.js", mocha, oneWallMsMax);
}

function simulate(copy: AlteredCopy, { seeds, sampleSeed }: MutantOptions): Promise<Ended> {
  const simulation = ["--seeds", `${seeds}`, "--first", `${sampleSeed}`, "--once", "--brief"];
  return copy.run("dist/test/sim/main.js", simulation, oneWallMsMax);
}

async function verdictOn(copy: AlteredCopy, mutant: Mutant, options: MutantOptions): Promise<Verdict> {
  const lines = copy.read(mutant.file).split("\n");
  lines[mutant.line - 1] = mutant.after;
  const target = targets.find(({ folder }) => mutant.file.startsWith(join("dist/src", folder)));
  return copy.with(mutant.file, lines.join("\n"), async () => {
    const tested = await runTests(copy, target?.specs ?? []);
    if (isNoticed(tested)) return tested.code === null ? "too long" : "tests";
    const simulated = await simulate(copy, options);
    if (isNoticed(simulated)) return simulated.code === null ? "too long" : "simulator";
    return "SURVIVES";
  });
}

function isNoticed({ code }: Ended): boolean {
  return code !== 0;
}

/** Why it is of no consequence, as far as that is known. */
function reasonFor({ file, before, after }: Mutant): string | undefined {
  const path = file.replace(/^dist\/src\//, "").replace(/\.js$/, "");
  return knownSurvivors.find(
    (known) => known.file === path && known.before === before.trim() && known.after === after.trim(),
  )?.why;
}

function described({ file, line, before, after }: Mutant): string {
  const place = `${file.replace(/^dist\/src\//, "")}:${line}`;
  return after === "" ? `${place}  without  ${before.trim()}` : `${place}  ${after.trim()}`;
}
