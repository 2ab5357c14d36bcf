/**
 * @module
 * `npm run sim`: the simulator from the command line.
 */

import { parseArgs } from "node:util";
import { type CampaignResult, coveringSeeds, type Progress, runCampaign } from "./campaign.ts";
import { tryMutants } from "./mutants.ts";
import { findPlanted } from "./planted.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import { drawSwarm, faultClasses } from "./swarm.ts";

const plantedSeedsMax = 2000;
const mutantSeeds = 60;
const noticedShareMin = 0.85;

const usage = `Usage: npm run sim -- [options]

  --seeds N        run N seeds (200), each twice, which must give the same trace
  --minutes M      run seeds for M minutes
  --first N        the first seed (random)
  --seed N         run one seed and print its trace, one line an event
  --quiet          with --seed: no trace
  --without a,b    with --seed: leave out these classes of faults
  --skip 1,2       with --seed: leave out these faults, by number
  --once           run no seed a second time
  --brief          a failing seed is not made small
  --planted        put known bugs into the code, one after the other: each must be found
  --others         with --planted: do all other tests find it, too? --sample tries them against so many bugs
  --only TEXT      with --planted: only bugs whose names contain it; names of subtler forms have a colon
  --mutants        change the core and the storage mechanically: 85 % must be noticed by their tests or by --seeds
                   seeds (60)
  --sample N       with --mutants and --others: how many are drawn (40); --first draws the same again
  --from N         with --mutants: leave out the first N of them; --minutes M begins none after that
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    minutes: { type: "string" },
    first: { type: "string" },
    seed: { type: "string" },
    without: { type: "string" },
    skip: { type: "string" },
    quiet: { type: "boolean", default: false },
    once: { type: "boolean", default: false },
    brief: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
    others: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    sample: { type: "string", default: "40" },
    from: { type: "string", default: "0" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

const out = (line: string): void => void process.stdout.write(`${line}\n`);

process.exitCode = await run();

async function run(): Promise<number> {
  if (values.help) {
    out(usage);
    return 0;
  }
  if (values.planted) return runPlanted();
  if (values.mutants) return runMutants();
  return values.seed === undefined ? runMany() : runOne(numberOf(values.seed, "--seed"));
}

async function runOne(seed: number): Promise<number> {
  const without = new Set(listOf(values.without));
  for (const name of without) {
    if (!(faultClasses as readonly string[]).includes(name)) throw new RangeError(`${name} is not a class of faults`);
  }
  const skipped = new Set(listOf(values.skip).map(Number));
  const { nodes, faults } = drawSwarm(seed, without);
  out(
    `seed ${seed}: ${nodes} nodes; ${[...faults].map(([name, rate]) => `${name} ${rate.toPrecision(2)}`).join(", ")}`,
  );
  const result = await simulate({ seed, without, skipped, ...(values.quiet ? {} : { print: out }) });
  const seconds = (result.simulatedUs / 1e6).toFixed(1);
  out(`${result.events} events in ${seconds} simulated seconds, trace ${result.digest}`);
  out(result.violation?.message ?? "all invariants hold");
  return result.violation === null ? 0 : 1;
}

async function runPlanted(): Promise<number> {
  const seedsMax = values.seeds === undefined ? plantedSeedsMax : numberOf(values.seeds, "--seeds");
  const { only } = values;
  const others = values.others ? numberOf(values.sample, "--sample") : 0;
  const onProgress = (line: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${line.padEnd(100)}\r`);
  };
  return (await findPlanted({ firstSeed: firstSeed(), seedsMax, only, others, out, onProgress })) ? 0 : 1;
}

async function runMutants(): Promise<number> {
  const seeds = values.seeds === undefined ? mutantSeeds : numberOf(values.seeds, "--seeds");
  const sample = numberOf(values.sample, "--sample");
  const from = numberOf(values.from, "--from");
  const wallMsMax = minutesMsMax();
  const share = await tryMutants({ sample, sampleSeed: firstSeed(), from, wallMsMax, seeds, out });
  return share >= noticedShareMin ? 0 : 1;
}

/** Printed, so that the same seeds can be run again. */
function firstSeed(): number {
  const first = values.first === undefined ? Date.now() % 2 ** 31 : numberOf(values.first, "--first");
  out(`first seed ${first}`);
  return first;
}

function minutesMsMax(): number {
  return values.minutes === undefined ? Number.POSITIVE_INFINITY : numberOf(values.minutes, "--minutes") * 60_000;
}

async function runMany(): Promise<number> {
  const endless = values.minutes === undefined ? coveringSeeds : Number.POSITIVE_INFINITY;
  const result = await runCampaign({
    firstSeed: firstSeed(),
    seeds: values.seeds === undefined ? endless : numberOf(values.seeds, "--seeds"),
    wallMsMax: minutesMsMax(),
    repeatEvery: values.once ? Number.POSITIVE_INFINITY : 1,
    onProgress: showProgress(),
  });
  report(result);
  if (result.failure !== null) {
    if (!values.brief) await explain(result.failure.seed);
    return 1;
  }
  const missing = result.coverage.missing();
  if (missing.length === 0 || result.seeds < coveringSeeds) return 0;
  out(`never seen in ${result.seeds} seeds: ${missing.join("; ")}`);
  return 1;
}

function report({ seeds, events, repeated, coverage, failure, ...time }: CampaignResult): void {
  for (const [name, count] of coverage.counts) out(`${String(count).padStart(9)} ${name}`);
  for (const name of faultClasses) {
    const count = coverage.faults.get(name);
    if (count !== undefined) out(`${String(count).padStart(9)} faults of class ${name}`);
  }
  out(`${seeds} seeds, ${repeated} of them twice, ${events} events; ${speedOf(time)}`);
  if (failure !== null) out(`seed ${failure.seed} fails: ${failure.message}`);
}

function speedOf({ simulatedSeconds, wallSeconds }: Omit<Progress, "seeds">): string {
  const ratio = (simulatedSeconds / wallSeconds).toFixed(0);
  return `${simulatedSeconds.toFixed(0)} simulated seconds in ${wallSeconds.toFixed(1)} s: ${ratio} x`;
}

/** At most four lines a second, and only for somebody who looks. */
function showProgress(): (progress: Progress) => void {
  let shownAt = 0;
  return (progress) => {
    if (!process.stderr.isTTY || performance.now() - shownAt < 250) return;
    shownAt = performance.now();
    process.stderr.write(`\r${progress.seeds} seeds, ${speedOf(progress)}   `);
  };
}

async function explain(seed: number): Promise<void> {
  const { result, without, skipped, runs } = await shrink(seed);
  out(`after ${runs} runs it still fails with: ${result.violation?.message ?? "nothing"}`);
  for (const { number, line } of result.faults) out(`  ${number}: ${line}`);
  const options = [
    `--seed ${seed}`,
    without.size > 0 ? `--without ${[...without].join()}` : "",
    skipped.size > 0 ? `--skip ${[...skipped].join()}` : "",
  ];
  out(`npm run sim -- ${options.filter((option) => option !== "").join(" ")}`);
}

function listOf(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}

function numberOf(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0) throw new RangeError(`${option} takes a number, not ${text}`);
  return number;
}
