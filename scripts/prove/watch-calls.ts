/**
 * @module
 * Writes of one command each, with the revision that they were answered with.
 */

import { type Agent, request as startRequest } from "node:http";

export type WriteAnswer =
  | { readonly kind: "written"; readonly revision: number }
  /** It changed nothing, certainly. */
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown" };

const timeoutMs = 10_000;

/** `delete` is of the one key of `values`. */
export function jsonCall(
  agent: Agent,
  url: string,
  kind: "put" | "putAll" | "delete",
  values: ReadonlyMap<string, string | null>,
): Promise<WriteAnswer> {
  const [[key, value] = ["", null]] = values;
  const path = kind === "putAll" ? "/key" : `/key/${key}`;
  const method = { put: "PUT", putAll: "POST", delete: "DELETE" }[kind];
  const body = kind === "putAll" ? JSON.stringify(Object.fromEntries(values)) : (value ?? "");
  return new Promise((resolve) => {
    const headers = { "content-length": Buffer.byteLength(body) };
    const request = startRequest(`${url}${path}`, { agent, method, headers, timeout: timeoutMs }, (response) => {
      response.resume();
      response.on("error", () => resolve({ kind: "unknown" }));
      response.on("end", () => {
        const { statusCode = 0, headers: answered } = response;
        const tag = /^"(\d+)"$/.exec(answered.etag ?? "")?.[1];
        if (statusCode >= 500) resolve({ kind: statusCode === 503 ? "nothing" : "unknown" });
        else if (statusCode >= 300 || answered["balsa-deleted"] === "0") resolve({ kind: "nothing" });
        // A deletion is answered at its revision or a later one, so that nothing is said of it.
        else if (kind === "delete") resolve({ kind: "nothing" });
        else resolve({ kind: "written", revision: Number(tag ?? answered["balsa-revision"]) });
      });
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", () => resolve({ kind: "unknown" }));
    request.end(body);
  });
}
