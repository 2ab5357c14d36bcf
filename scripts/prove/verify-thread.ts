/**
 * @module
 * The thread that reads every acknowledged key back, on every node, from that node's own state.
 */

import { Agent } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { call } from "./http-call.ts";
import { keyOf, type Verdict, type VerifyOptions, valueOf } from "./load-protocol.ts";

const connections = 64;
const callTimeoutMs = 8_000;

const options = workerData as VerifyOptions;
const agent = new Agent({ keepAlive: true, maxSockets: connections });

async function verify(url: string): Promise<Verdict> {
  let next = 0;
  let wrong = 0;
  let example: string | null = null;
  const check = async (): Promise<void> => {
    while (next < options.writer.length) {
      const at = next++;
      const key = keyOf(options.prefix, options.writer[at] ?? 0, options.sequence[at] ?? 0);
      const asked = { agent, method: "GET", url: `${url}/key/${key}?level=stale`, timeoutMs: callTimeoutMs } as const;
      const answer = await call(asked);
      if (typeof answer === "object" && answer.status === 200 && answer.body === valueOf(key)) continue;
      wrong += 1;
      example ??= `${key}: ${typeof answer === "object" ? `${answer.status} ${answer.body.slice(0, 80)}` : answer}`;
    }
  };
  await Promise.all(Array.from({ length: connections }, check));
  return { url, checked: options.writer.length, wrong, example };
}

const verdicts: Verdict[] = [];
for (const url of options.urls) verdicts.push(await verify(url));
agent.destroy();
parentPort?.postMessage(verdicts);
parentPort?.close();
