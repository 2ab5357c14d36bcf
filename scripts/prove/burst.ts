/**
 * @module
 * Many large writes at the same moment: more than a node takes. How quickly does it say so?
 */

import { Agent, request as startRequest } from "node:http";

export interface BurstReport {
  readonly acknowledged: number;
  /** 503 `OVERLOADED` with `Retry-After`. */
  readonly refused: number;
  /** Anything else: another status, no `Retry-After`, no answer. */
  readonly odd: number;
  readonly example: string | null;
  /** Of the refusals, from the request to the answer. */
  readonly refusedMs: readonly number[];
}

export async function burst(url: string, count: number, valueBytes: number): Promise<BurstReport> {
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
    refusedMs: refusals.map(({ tookMs }) => tookMs),
  };
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
