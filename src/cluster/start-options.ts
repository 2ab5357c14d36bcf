/**
 * @module
 * What a program left out of a node's options, filled in.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaults } from "./defaults.ts";
import type { NodeOptions, StartOptions } from "./options.ts";

/** Makes the directory when none is named: then it is temporary, and the node's to remove. */
export async function completeOptions(
  asked: StartOptions,
): Promise<{ readonly options: NodeOptions; readonly temporary: boolean }> {
  const temporary = asked.data === undefined;
  const data = asked.data ?? (await temporaryDirectory());
  const options: NodeOptions = {
    id: "n1",
    http: "127.0.0.1:0",
    raft: "127.0.0.1:0",
    begin: temporary ? { kind: "bootstrap" } : { kind: "continue" },
    insecure: false,
    allowedHosts: [],
    corsOrigins: [],
    valueBytesMax: defaults.valueBytesMax,
    tickMs: defaults.tickMs,
    electionTimeoutTicks: defaults.electionTimeoutTicks,
    leaseReads: false,
    historyBytesMax: defaults.historyBytesMax,
    snapshotLogBytes: defaults.snapshotLogBytes,
    slowRequestMs: defaults.slowRequestMs,
    log: () => undefined,
    ...asked,
    data,
  };
  return { options, temporary };
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "balsa-"));
}

export async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
