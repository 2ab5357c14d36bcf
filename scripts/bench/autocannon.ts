/**
 * @module
 * Load by autocannon, in a process of its own, where wrk is not installed. It takes more of the machine than wrk does.
 */

import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { run } from "./child.ts";
import { connections, cycleKeys, firstKey, type LoadTool, type Measurement, type Scenario } from "./scenario.ts";

const thisFile = fileURLToPath(import.meta.url);

export const autocannonTool: LoadTool = {
  name: "autocannon",
  async measure(scenario, at, seconds) {
    const stdout = await run(process.execPath, [thisFile, JSON.stringify({ scenario, at, seconds })]);
    const measured: Measurement = JSON.parse(stdout);
    return measured;
  },
};

/** What the process of its own is told. */
interface Shot {
  readonly scenario: Scenario;
  readonly at: number;
  readonly seconds: number;
}

interface RequestShape {
  readonly method: string;
  path?: string;
  body?: string;
}

interface Result {
  readonly duration: number;
  readonly errors: number;
  readonly non2xx: number;
  readonly "2xx": number;
  readonly latency: { readonly p50: number; readonly p99: number };
}

/** The part of autocannon's interface that is used; the package has no types of its own. */
type Autocannon = (options: {
  readonly url: string;
  readonly connections: number;
  readonly duration: number;
  readonly requests: readonly (RequestShape & { readonly setupRequest: (request: RequestShape) => RequestShape })[];
}) => Promise<Result>;

async function fire({ scenario, at, seconds }: Shot): Promise<Measurement> {
  const autocannon: Autocannon = createRequire(import.meta.url)("autocannon");
  let next = firstKey(at);
  const setupRequest = (request: RequestShape): RequestShape => {
    next += 1;
    const id = scenario.keys === "cycle" ? next % cycleKeys : next;
    const inBody = scenario.body.includes("@");
    const path = `${scenario.path}${scenario.keys === "none" || inBody ? "" : id}${scenario.query}`;
    const body = scenario.body.replace("@", String(id).padStart(12, "0"));
    return scenario.body === "" ? { ...request, path } : { ...request, path, body };
  };
  const requests = [{ method: scenario.method, setupRequest }];
  const result = await autocannon({
    url: scenario.origin,
    connections: scenario.connections ?? connections,
    duration: seconds,
    requests,
  });
  return {
    answered: result["2xx"],
    perSecond: result["2xx"] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.errors + result.non2xx,
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const shot: Shot = JSON.parse(process.argv[2] ?? "{}");
  process.stdout.write(JSON.stringify(await fire(shot)));
}
