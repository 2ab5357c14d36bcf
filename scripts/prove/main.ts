/**
 * @module
 * `npm run prove [-- NAME… --seconds N --keys N]`: runs the experiments one after the other and says which claims hold.
 */

import { pathToFileURL } from "node:url";
import { Stage } from "../stage.ts";
import { formatMs, renderTable } from "../table.ts";
import { partitions } from "./broken-network.ts";
import { exactlyOnce } from "./exactly-once.ts";
import type { Check, Experiment, RunOptions } from "./experiment.ts";
import { failover } from "./failover.ts";
import { isolation } from "./isolation.ts";
import { leases } from "./leases.ts";
import { linearizable } from "./linearizable.ts";
import { membership } from "./membership.ts";
import { overload } from "./overload.ts";
import { quickstart } from "./quickstart.ts";
import { ranges } from "./ranges.ts";
import { restart } from "./restart.ts";
import { stalls } from "./stalls.ts";
import { watch } from "./watch.ts";
import { watchers } from "./watchers.ts";

const experiments: readonly Experiment[] = [
  quickstart,
  failover,
  isolation,
  restart,
  linearizable,
  membership,
  partitions,
  stalls,
  overload,
  watch,
  watchers,
  exactlyOnce,
  leases,
  ranges,
];

/** Gives the exit code: 1 when a claim does not hold, 2 when a name or an option is unknown. */
async function prove(args: readonly string[]): Promise<number> {
  const { names, options } = parse(args);
  const unknown = names.find((name) => !experiments.some((experiment) => experiment.name === name));
  if (unknown !== undefined) {
    const known = experiments.map((experiment) => experiment.name).join(", ");
    process.stderr.write(`there is no experiment ${JSON.stringify(unknown)}; there are ${known}\n`);
    return 2;
  }
  const chosen = experiments.filter((experiment) => names.length === 0 || names.includes(experiment.name));
  const failed: string[] = [];
  for (const experiment of chosen) if (!(await show(experiment, options))) failed.push(experiment.name);
  if (chosen.length > 1) {
    process.stdout.write(`${chosen.length - failed.length} of ${chosen.length} claims hold`);
    process.stdout.write(failed.length === 0 ? "\n" : `; not: ${failed.join(", ")}\n`);
  }
  return failed.length === 0 ? 0 : 1;
}

/** An option that cannot be read is left among the names, where nobody knows it. */
function parse(args: readonly string[]): { readonly names: readonly string[]; readonly options: RunOptions } {
  const options: { seconds?: number; keys?: number } = {};
  let names = args;
  for (const name of ["seconds", "keys"] as const) {
    const at = names.indexOf(`--${name}`);
    const value = Number(names[at + 1]);
    if (at === -1 || !(value > 0)) continue;
    options[name] = value;
    names = names.toSpliced(at, 2);
  }
  return { names, options };
}

async function show(experiment: Experiment, options: RunOptions): Promise<boolean> {
  process.stdout.write(`${experiment.name}\n  claim: ${experiment.claim}\n  done:  ${experiment.does}\n`);
  const startedAt = performance.now();
  const stage = new Stage();
  let checks: readonly Check[];
  try {
    checks = await experiment.run(stage, options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    checks = [{ what: "the experiment runs to its end", wanted: "yes", measured: why, holds: false }];
  } finally {
    await stage.close();
  }
  const rows = checks.map((check) => [check.what, check.wanted, check.measured, check.holds ? "" : "<- no"]);
  process.stdout.write(renderTable([["", "wanted", "measured"], ...rows]));
  const holds = checks.length > 0 && checks.every((check) => check.holds);
  process.stdout.write(`  ${holds ? "HOLDS" : "DOES NOT HOLD"} (${formatMs(performance.now() - startedAt)})\n\n`);
  return holds;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit(await prove(process.argv.slice(2)));
}
