/**
 * @module
 * What all commands have in common that ask a running cluster.
 */

import { BalsaClient } from "../../client/balsa-client.ts";
import { BalsaError } from "../../errors/balsa-error.ts";
import { readSettings } from "./config-file.ts";
import type { OutputFormat } from "./print.ts";
import { type Flags, UsageError } from "./resolve.ts";
import { clientSettings } from "./settings.ts";

/** Whoever typed the command wants to know soon that nobody answers. */
const roundsMax = 2;

/**
 * Gives the exit code of what is done with a client: its own, or 1 after a BalsaError, which is explained on stderr; of a
 * write with its outcome. Throws a UsageError for wrong usage.
 */
export async function withClient(
  flags: Flags,
  writes: boolean,
  work: (client: BalsaClient) => Promise<number>,
): Promise<number> {
  const client = openClient(flags);
  try {
    return await work(client);
  } catch (cause) {
    if (cause instanceof BalsaError) return complain(cause, writes);
    throw cause;
  } finally {
    client.close();
  }
}

export function openClient(flags: Flags): BalsaClient {
  const settings = readSettings(clientSettings, flags);
  const [endpoints, timeoutMs] = [settings.list("endpoints"), settings.count("timeout-ms")];
  try {
    return new BalsaClient({ endpoints, timeoutMs, roundsMax });
  } catch (cause) {
    throw cause instanceof RangeError ? new UsageError(cause.message) : cause;
  }
}

export function outputOf(flags: Flags): OutputFormat {
  const output = flags["output"];
  return output === "table" || output === "json" ? output : "simple";
}

export function complain(error: BalsaError, writes: boolean): 1 {
  const outcome = writes ? ` (outcome: ${error.outcome})` : "";
  process.stderr.write(`balsa: ${error.code}: ${error.message}${outcome}\n`);
  return 1;
}

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

export function numberFlag(flags: Flags, name: string): number | undefined {
  const value = flags[name];
  return typeof value === "number" ? value : undefined;
}

/** Fires when somebody wants the command to end: Ctrl-C, or SIGTERM. A second one ends the process. */
export function untilInterrupted(): AbortSignal {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort(signal));
  return ending.signal;
}

/** Whole, to its end. */
export async function readStdin(what: string): Promise<Uint8Array> {
  if (process.stdin.isTTY) process.stderr.write(`balsa: reading ${what} from stdin until its end (Ctrl-D)\n`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
