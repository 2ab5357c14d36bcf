/**
 * @module
 * `balsa get|put|del|keys|txn|watch|compact|status`: data goes to stdout, everything else to stderr.
 */

import type { BalsaClient } from "../../client/balsa-client.ts";
import { textOf } from "../../client/bytes.ts";
import type { Condition } from "../../client/put.ts";
import type { KeyRange, ReadLevel, ReadOptions } from "../../client/range.ts";
import { BalsaError } from "../../errors/balsa-error.ts";
import { complain, numberFlag, outputOf, readStdin, textFlag, untilInterrupted, withClient } from "./open-client.ts";
import { printDeleted, printDone, printPut, printStatus, printValue } from "./print.ts";
import { ChangePrinter, ItemPrinter, printTransaction } from "./print-items.ts";
import { type Flags, UsageError } from "./resolve.ts";

export type DataCommandName = "get" | "put" | "del" | "keys" | "txn" | "watch" | "compact" | "status";

const writing: ReadonlySet<DataCommandName> = new Set(["put", "del", "txn", "compact"]);

/** A cluster that fails over is back sooner; addresses that are wrong are to be told. */
const watchPatienceMs = 30_000;

/** Gives the exit code: 0, or 1 when it failed or the key does not exist. Throws a UsageError for wrong usage. */
export async function runDataCommand(name: DataCommandName, args: readonly string[], flags: Flags): Promise<number> {
  return await withClient(flags, writing.has(name), async (client) => {
    switch (name) {
      case "get":
        return flags["prefix"] === true
          ? await list(client, { prefix: args[0] ?? "" }, { ...flags, values: true })
          : await get(client, keyOf(args), flags);
      case "put":
        return await put(client, keyOf(args), args[1], flags);
      case "del":
        return await del(client, args, flags);
      case "keys":
        return await list(
          client,
          rangeOf(args[0] === undefined ? undefined : { prefix: args[0] }, flags) ?? { prefix: "" },
          flags,
        );
      case "txn":
        return await txn(client, args[0], flags);
      case "watch":
        return await watch(client, args[0], flags);
      case "compact":
        return await compact(client, args[0] ?? "", flags);
      case "status":
        return await status(client, flags);
    }
  });
}

async function get(client: BalsaClient, key: string, flags: Flags): Promise<number> {
  const found = await client.get(key, readOptionsOf(flags));
  if (found === undefined) {
    process.stderr.write(`balsa: the key ${JSON.stringify(key)} does not exist\n`);
    return 1;
  }
  printValue(outputOf(flags), key, found);
  return 0;
}

async function put(client: BalsaClient, key: string, given: string | undefined, flags: Flags): Promise<number> {
  const value = given ?? (await readStdin("the value"));
  const [ttlMs, lease, condition] = [numberFlag(flags, "ttl"), textFlag(flags, "lease"), conditionOf(flags)];
  printPut(outputOf(flags), key, await client.put(key, value, { ttlMs, lease, condition }));
  return 0;
}

async function del(client: BalsaClient, args: readonly string[], flags: Flags): Promise<number> {
  const output = outputOf(flags);
  if (flags["prefix"] === true) {
    const prefix = args[0] ?? "";
    printDeleted(output, prefix, await client.deleteRange({ prefix }));
    return 0;
  }
  const condition = conditionOf(flags);
  const key = keyOf(args);
  const options = condition === undefined || condition === "absent" ? {} : { condition };
  printDeleted(output, key, await client.delete(key, options));
  return 0;
}

async function list(client: BalsaClient, range: KeyRange, flags: Flags): Promise<number> {
  const order = flags["reverse"] === true ? ("desc" as const) : undefined;
  const options = { ...readOptionsOf(flags), order, limit: numberFlag(flags, "limit") };
  const values = flags["values"] === true;
  const items = values ? client.list(range, options) : client.keys(range, options);
  const printer = new ItemPrinter(outputOf(flags), values);
  for await (const item of items) if (!(await printer.print(item))) return 0;
  await printer.end();
  return 0;
}

async function txn(client: BalsaClient, given: string | undefined, flags: Flags): Promise<number> {
  const json = given ?? jsonText(await readStdin("the transaction"));
  printTransaction(outputOf(flags), await client.txnJson(json));
  return 0;
}

async function watch(client: BalsaClient, key: string | undefined, flags: Flags): Promise<number> {
  const named = key === undefined ? undefined : { key: keyOf([key]) };
  const range = rangeOf(flags["prefix"] === true ? { prefix: key ?? "" } : named, flags);
  if (range === undefined) throw new UsageError("a key is required, or --start or --end");
  const signal = untilInterrupted();
  const options = { since: numberFlag(flags, "since"), previous: flags["prev"] === true };
  const changes = client.watch(range, { ...options, signal, patienceMs: watchPatienceMs });
  const printer = new ChangePrinter(outputOf(flags));
  try {
    for await (const change of changes) if (!(await printer.print(change))) return 0;
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
  return 0;
}

async function compact(client: BalsaClient, given: string, flags: Flags): Promise<number> {
  const revision = /^[1-9]\d{0,14}$/.test(given) ? Number(given) : 0;
  if (revision === 0) throw new UsageError(`${JSON.stringify(given)} is not a revision, a whole number above 0`);
  const { compactedRevision } = await client.compact(revision);
  printDone(outputOf(flags), { compactedRevision: String(compactedRevision) });
  return 0;
}

/** Asks every endpoint; fails when none answers. */
async function status(client: BalsaClient, flags: Flags): Promise<number> {
  const asked = client.endpoints.map(async (endpoint) => ({ endpoint, status: await client.status(endpoint) }));
  const answers = [];
  for (const settled of await Promise.allSettled(asked)) {
    if (settled.status === "fulfilled") answers.push(settled.value);
    else if (settled.reason instanceof BalsaError) complain(settled.reason, false);
    else throw settled.reason;
  }
  printStatus(outputOf(flags), answers);
  return answers.length > 0 ? 0 : 1;
}

function readOptionsOf(flags: Flags): ReadOptions {
  const given = textFlag(flags, "level");
  const level: ReadLevel = given === "lease" || given === "stale" ? given : "linearizable";
  const maxAgeMs = numberFlag(flags, "maxAge");
  if (maxAgeMs !== undefined && level !== "stale") throw new UsageError("--max-age belongs to --level stale");
  return { level, maxAgeMs, revision: numberFlag(flags, "revision") };
}

function conditionOf(flags: Flags): Condition | undefined {
  if (flags["ifAbsent"] === true) return "absent";
  if (flags["ifPresent"] === true) return "present";
  const modRevision = numberFlag(flags, "ifRevision");
  return modRevision === undefined ? undefined : { modRevision };
}

function keyOf(args: readonly string[]): string {
  const key = args[0];
  if (key === undefined || key === "") throw new UsageError("a key is at least one byte long");
  return key;
}

/** What is named by an argument, or else by `--start` and `--end`; undefined when neither is there. */
function rangeOf<R>(named: R | undefined, flags: Flags): R | KeyRange | undefined {
  const [start, end] = [textFlag(flags, "start"), textFlag(flags, "end")];
  if (named === undefined) {
    if (start !== undefined) return { start, end };
    return end === undefined ? undefined : { end };
  }
  if (start === undefined && end === undefined) return named;
  throw new UsageError("--start and --end go without a key or a prefix");
}

function jsonText(bytes: Uint8Array): string {
  try {
    return textOf(bytes);
  } catch {
    throw new UsageError(
      "the transaction on stdin is not UTF-8; bytes go into JSON as base64, under keyBase64 and so on",
    );
  }
}
