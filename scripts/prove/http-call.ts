/**
 * @module
 * The plainest HTTP call over a kept connection: a status and a body, or null when the connection failed.
 */

import { type Agent, type IncomingHttpHeaders, request as startRequest } from "node:http";

export interface CallAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Call {
  readonly agent: Agent;
  readonly method: "GET" | "PUT" | "POST";
  readonly url: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Why there was no answer; a refused connection has certainly sent nothing. */
export type NoAnswer = "refused" | "broken";

export function call({ agent, method, url, body, headers: asked, timeoutMs }: Call): Promise<CallAnswer | NoAnswer> {
  return new Promise((resolve) => {
    const headers = { ...asked, ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }) };
    const request = startRequest(url, { agent, method, headers, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      response.on("error", () => resolve("broken"));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "ECONNREFUSED" ? "refused" : "broken"),
    );
    request.end(body);
  });
}
