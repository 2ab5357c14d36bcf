/**
 * @module
 * Many large writes at the same moment: more than a node takes. What becomes of them, and of one more client meanwhile?
 */

import { Agent, request as startRequest } from "node:http";
import { Worker } from "node:worker_threads";

export interface BurstOptions {
  readonly url: string;
  readonly count: number;
  readonly valueBytes: number;
}

export interface BurstReport {
  readonly acknowledged: number;
  /** 503 `OVERLOADED` with `Retry-After`. */
  readonly refused: number;
  /** Anything else: another status, no `Retry-After`, no answer. */
  readonly odd: number;
  readonly example: string | null;
}

/** All writes at once, each over a connection of its own; resolves when all are answered. */
export async function burst({ url, count, valueBytes }: BurstOptions): Promise<BurstReport> {
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  const body = Buffer.alloc(valueBytes, "x");
  const answers = await Promise.all(
    Array.from({ length: count }, (_, at) => put(agent, `${url}/key/burst-${at}`, body)),
  );
  agent.destroy();
  const isRefusal = (answer: Answer): boolean =>
    answer.status === 503 && answer.retryAfter && answer.text.includes("OVERLOADED");
  const refusals = answers.filter(isRefusal);
  const odd = answers.filter((answer) => answer.status !== 204 && !isRefusal(answer));
  return {
    acknowledged: answers.filter(({ status }) => status === 204).length,
    refused: refusals.length,
    odd: odd.length,
    example: odd[0] === undefined ? null : `${odd[0].status} ${odd[0].text.slice(0, 120)}`,
  };
}

export interface BesideBurst {
  readonly report: BurstReport;
  /** Of a client that writes the same over one connection, one after the other: from each request to its answer. */
  readonly answeredMs: readonly number[];
}

/** The burst from a thread of its own, and one more client in this one, which has nothing else to do. */
export async function besideBurst(options: BurstOptions): Promise<BesideBurst> {
  const worker = new Worker(new URL("./burst-thread.js", import.meta.url), { workerData: options });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = Buffer.alloc(options.valueBytes, "x");
  const answeredMs: number[] = [];
  let done = false;
  try {
    const ended = new Promise<BurstReport>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    const noteEnd = (): void => {
      done = true;
    };
    ended.then(noteEnd, noteEnd);
    while (!done) {
      const { status, tookMs } = await put(agent, `${options.url}/key/beside`, body);
      answeredMs.push(status === 0 ? Number.POSITIVE_INFINITY : tookMs);
    }
    return { report: await ended, answeredMs };
  } finally {
    agent.destroy();
    await worker.terminate();
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: boolean;
  readonly tookMs: number;
}

function put(agent: Agent, url: string, body: Buffer): Promise<Answer> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const finish = (status: number, text: string, retryAfter: boolean): void =>
      resolve({ status, text, retryAfter, tookMs: performance.now() - startedAt });
    const headers = { "content-length": body.byteLength, "balsa-timeout": "20s" };
    const request = startRequest(url, { agent, method: "PUT", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => finish(response.statusCode ?? 0, text, response.headers["retry-after"] !== undefined));
      response.on("error", (error) => finish(0, error.message, false));
    });
    request.on("error", (error) => finish(0, error.message, false));
    request.end(body);
  });
}
