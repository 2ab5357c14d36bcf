/**
 * @module
 * Load by wrk, one thread: the cheapest there is, so that most of the machine is left to what is measured.
 */

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { run } from "./child.ts";
import { connections, cycleKeys, firstKey, type LoadTool, type Measurement, type Scenario } from "./scenario.ts";

/** Null when wrk is not on the path. `directory` holds its scripts. */
export async function findWrk(directory: string): Promise<LoadTool | null> {
  const version = await promisify(execFile)("wrk", ["-v"]).catch((cause: { readonly stdout?: string }) => cause);
  // It prints its version and exits 1.
  const found = typeof version.stdout === "string" && version.stdout.startsWith("wrk ");
  return found ? { name: "wrk", measure: (scenario, at, seconds) => measure(directory, scenario, at, seconds) } : null;
}

async function measure(directory: string, scenario: Scenario, at: number, seconds: number): Promise<Measurement> {
  const script = join(directory, `wrk-${new URL(scenario.origin).port}.lua`);
  writeFileSync(script, luaOf(scenario, at));
  const args = [
    "-t1",
    `-c${scenario.connections ?? connections}`,
    `-d${seconds}s`,
    "--timeout",
    "10s",
    "-s",
    script,
    scenario.origin,
  ];
  const stdout = await run("wrk", args);
  const [, requests, microseconds, status, socket, p50, p99] =
    /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout) ?? [];
  if (requests === undefined) throw new Error(`wrk printed no result: ${stdout}`);
  const answered = Number(requests) - Number(status);
  return {
    answered,
    perSecond: answered / (Number(microseconds) / 1e6),
    p50Ms: Number(p50) / 1_000,
    p99Ms: Number(p99) / 1_000,
    failed: Number(status) + Number(socket),
  };
}

function luaOf({ method, path, query, keys, body }: Scenario, at: number): string {
  return `
local n = ${firstKey(at)}
local body = ${body === "" ? "nil" : JSON.stringify(body)}
local numbered = ${body.includes("@")}
request = function()
  n = n + 1
  local id = ${keys === "cycle" ? `n % ${cycleKeys}` : "n"}
  local path = ${JSON.stringify(path)} .. ${keys === "none" || body.includes("@") ? '""' : 'string.format("%d", id)'} .. ${JSON.stringify(query)}
  local sent = body
  if numbered then sent = string.gsub(body, "@", string.format("%012d", id)) end
  return wrk.format(${JSON.stringify(method)}, path, nil, sent)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration, e.status,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`;
}
