/**
 * @module
 * Who may import whom, folder by folder, and a reader of imports that holds files against it.
 */

import { posix } from "node:path";

interface Layer {
  /** Whose code may be imported, beside its own. */
  readonly code: readonly string[];
  /** Of whom only types may be imported. */
  readonly types: readonly string[];
}

/** Folders below `src`. What is not in the table may not be imported, and a folder that is not in it may import nothing. */
const layers: Readonly<Record<string, Layer>> = {
  address: { code: [], types: [] },
  raft: { code: [], types: [] },
  kv: { code: [], types: ["raft"] },
  errors: { code: [], types: [] },
  codec: { code: ["address", "errors", "kv"], types: ["raft"] },
  storage: { code: ["kv", "errors", "codec"], types: ["raft"] },
  transport: { code: ["address", "errors", "codec"], types: ["raft"] },
  actor: { code: ["errors", "codec"], types: [] },
  "actors/protocol": { code: ["errors"], types: ["raft", "kv"] },
  http: { code: ["address", "errors", "actors/protocol", "kv"], types: [] },
  "actors/raft": {
    code: ["address", "actors/protocol", "actor", "raft", "transport", "codec", "errors"],
    types: ["kv"],
  },
  "actors/log": { code: ["actors/protocol", "actor", "storage", "codec", "errors"], types: ["raft"] },
  "actors/store": { code: ["actors/protocol", "actor", "raft", "kv", "storage", "codec", "errors"], types: [] },
  "actors/ingress": {
    code: ["address", "actors/protocol", "actor", "raft", "kv", "storage", "http", "codec", "errors"],
    types: [],
  },
  client: { code: ["errors"], types: [] },
  cluster: {
    code: ["address", "actor", "actors/protocol", "storage", "codec", "errors", "client", "workers"],
    types: ["raft"],
  },
  cli: { code: ["address", "errors", "client", "cluster", "scripts"], types: [] },
  workers: { code: ["actor", "actors/raft", "actors/log", "actors/store", "actors/ingress", "storage"], types: [] },
  scripts: { code: ["errors", "client", "cluster", "storage", "kv", "codec", "transport"], types: ["raft"] },
};

const importStart = /^(?:import|export)\b(?<type> type)?/;
const target = /(?:\bfrom|\bimport\(|^import) ?"(?<path>\.[^"]+)"/;

/** Tests may import what they test, and production never imports tests. */
export function layerBreaches(
  file: string,
  lines: readonly string[],
): { readonly line: number; readonly why: string }[] {
  if (file.startsWith("test/")) return [];
  const from = layerOf(file);
  const breaches: { line: number; why: string }[] = [];
  let typeOnly = false;
  for (const [at, line] of lines.entries()) {
    const start = importStart.exec(line);
    if (start !== null) typeOnly = start.groups?.["type"] !== undefined;
    const path = target.exec(line)?.groups?.["path"];
    if (path === undefined) continue;
    const to = layerOf(posix.join(posix.dirname(file), path));
    if (to === from) continue;
    const layer = layers[from];
    const allowed = layer?.code.includes(to) || (typeOnly && layer?.types.includes(to));
    if (!allowed)
      breaches.push({ line: at + 1, why: `${from} may not import ${typeOnly ? "types" : "code"} of ${to}` });
  }
  return breaches;
}

/** `src/actors/raft/turn.ts` is of `actors/raft`, `src/raft/step.ts` of `raft`, `workers/log.ts` of `workers`. */
function layerOf(file: string): string {
  const [top = "", first = "", second = ""] = file.split("/");
  if (top !== "src") return top;
  return first === "actors" ? `actors/${second}` : first;
}
