/**
 * @module
 * `balsa get|put|del|status`: one question to a running cluster. Data goes to stdout, everything else to stderr.
 */

import { BalsaClient } from "../../client/balsa-client.ts";
import type { ReadLevel } from "../../client/range.ts";
import { BalsaError } from "../../errors/balsa-error.ts";
import { readSettings } from "./config-file.ts";
import { type OutputFormat, printDeleted, printPut, printStatus, printValue } from "./print.ts";
import { type Flags, UsageError } from "./resolve.ts";
import { clientSettings } from "./settings.ts";

export type ClientCommandName = "get" | "put" | "del" | "status";

/** Gives the exit code: 0, or 1 when it failed or the key does not exist. Throws a UsageError for wrong usage. */
export async function runClientCommand(
  name: ClientCommandName,
  args: readonly string[],
  flags: Flags,
): Promise<number> {
  const client = openClient(flags);
  const output = outputOf(flags);
  try {
    switch (name) {
      case "get":
        return await get(client, keyOf(args), levelOf(flags), output);
      case "put":
        return await put(client, keyOf(args), args[1], output);
      case "del":
        return await del(client, keyOf(args), output);
      case "status":
        return await status(client, output);
    }
  } catch (cause) {
    if (!(cause instanceof BalsaError)) throw cause;
    return complain(cause, name === "put" || name === "del");
  } finally {
    client.close();
  }
}

export function openClient(flags: Flags): BalsaClient {
  const settings = readSettings(clientSettings, flags);
  try {
    return new BalsaClient({ endpoints: settings.list("endpoints"), timeoutMs: settings.count("timeout-ms") });
  } catch (cause) {
    throw cause instanceof RangeError ? new UsageError(cause.message) : cause;
  }
}

export function outputOf(flags: Flags): OutputFormat {
  const output = flags["output"];
  return output === "table" || output === "json" ? output : "simple";
}

function levelOf(flags: Flags): ReadLevel {
  const level = flags["level"];
  return level === "lease" || level === "stale" ? level : "linearizable";
}

function keyOf(args: readonly string[]): string {
  const key = args[0];
  if (key === undefined || key === "") throw new UsageError("a key is at least one byte long");
  return key;
}

async function get(client: BalsaClient, key: string, level: ReadLevel, output: OutputFormat): Promise<number> {
  const found = await client.get(key, { level });
  if (found === undefined) {
    process.stderr.write(`balsa: the key ${JSON.stringify(key)} does not exist\n`);
    return 1;
  }
  printValue(output, key, found);
  return 0;
}

async function put(client: BalsaClient, key: string, given: string | undefined, output: OutputFormat): Promise<number> {
  const value = given === undefined ? await readStdin() : given;
  printPut(output, key, await client.put(key, value));
  return 0;
}

async function del(client: BalsaClient, key: string, output: OutputFormat): Promise<number> {
  printDeleted(output, key, await client.delete(key));
  return 0;
}

/** Asks every endpoint; fails when none answers. */
async function status(client: BalsaClient, output: OutputFormat): Promise<number> {
  const asked = client.endpoints.map(async (endpoint) => ({ endpoint, status: await client.status(endpoint) }));
  const answers = [];
  for (const settled of await Promise.allSettled(asked)) {
    if (settled.status === "fulfilled") answers.push(settled.value);
    else if (settled.reason instanceof BalsaError) complain(settled.reason, false);
    else throw settled.reason;
  }
  printStatus(output, answers);
  return answers.length > 0 ? 0 : 1;
}

async function readStdin(): Promise<Uint8Array> {
  if (process.stdin.isTTY) process.stderr.write("balsa: reading the value from stdin until its end (Ctrl-D)\n");
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function complain(error: BalsaError, writes: boolean): 1 {
  const outcome = writes ? ` (outcome: ${error.outcome})` : "";
  process.stderr.write(`balsa: ${error.code}: ${error.message}${outcome}\n`);
  return 1;
}
