/**
 * @module
 * Mechanical changes of the compiled core and storage, one at a time: a test of theirs, or the simulator, has to notice
 * each. What nobody notices is either of no consequence or not looked at.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { AlteredCopy } from "./altered-copy.ts";
import { Random } from "./random.ts";

export interface MutantOptions {
  /** How many of all are tried, drawn by `sampleSeed`. */
  readonly sample: number;
  readonly sampleSeed: number;
  /** Seeds of the simulator that each must get past to survive. */
  readonly seeds: number;
  readonly out: (line: string) => void;
}

interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** Folders below `dist/src`, and the tests that are to notice what changes in them. */
const targets = [
  { folder: "raft", specs: ["raft", "paper"] },
  { folder: "storage/log", specs: ["storage/log", "actors/log"] },
  { folder: "storage/watermark", specs: ["storage/watermark", "storage/log"] },
  { folder: "storage/state", specs: ["storage/state", "actors/store"] },
  { folder: "storage/snapshot", specs: ["storage/snapshot", "actors/store"] },
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
const wallMsMax = 120_000;

/** Gives the share that was noticed. */
export async function tryMutants(options: MutantOptions): Promise<number> {
  const { out, sample, sampleSeed } = options;
  const copy = new AlteredCopy();
  const survivors: Mutant[] = [];
  try {
    const all = targets.flatMap(({ folder }) => mutantsOf(copy, folder));
    const chosen = new Random(sampleSeed, "mutants").some(all, sample);
    out(`${chosen.length} of ${all.length} mutants, drawn with --first ${sampleSeed}`);
    for (const mutant of chosen) {
      const by = await noticedBy(copy, mutant, options);
      if (by === null) survivors.push(mutant);
      out(`${(by ?? "SURVIVES").padEnd(10)} ${described(mutant)}`);
    }
    const killed = chosen.length - survivors.length;
    const share = chosen.length === 0 ? 1 : killed / chosen.length;
    out(`${killed} of ${chosen.length} mutants were noticed: ${(100 * share).toFixed(1)} %`);
    return share;
  } finally {
    copy.remove();
  }
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

async function noticedBy(
  copy: AlteredCopy,
  mutant: Mutant,
  { seeds, sampleSeed }: MutantOptions,
): Promise<string | null> {
  const lines = copy.read(mutant.file).split("\n");
  lines[mutant.line - 1] = mutant.after;
  const target = targets.find(({ folder }) => mutant.file.startsWith(join("dist/src", folder)));
  return copy.with(mutant.file, lines.join("\n"), async () => {
    const specs = (target?.specs ?? []).flatMap((folder) => ["--spec", `dist/test/${folder}/**/*.test.js`]);
    const mocha = ["--no-config", "--timeout", "10000", "--bail", ...specs];
    const tested = await copy.run("node_modules/mocha/bin/mocha.js", mocha, wallMsMax);
    if (tested.code !== 0) return "tests";
    const options = ["--seeds", `${seeds}`, "--first", `${sampleSeed}`, "--once", "--brief"];
    const simulated = await copy.run("dist/test/sim/main.js", options, wallMsMax);
    return simulated.code === 0 ? null : "simulator";
  });
}

function described({ file, line, before, after }: Mutant): string {
  const place = `${file.replace(/^dist\/src\//, "")}:${line}`;
  return after === "" ? `${place}  without  ${before.trim()}` : `${place}  ${after.trim()}`;
}
