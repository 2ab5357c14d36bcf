/**
 * @module
 * How items, changes, transactions and leases are printed: `simple`, `table` or `json`.
 */

import type { JsonObject } from "../../client/answer.ts";
import { jsonField } from "../../client/bytes.ts";
import type { Item, KeyHead } from "../../client/item.ts";
import type { GrantedLease, Lease } from "../../client/leases.ts";
import type { Change } from "../../client/watch.ts";
import { cellOfBytes, type OutputFormat, print, printJson, printTable } from "./print.ts";

/** Waits for a slow reader; false when there is none any more. */
async function write(chunk: Uint8Array | string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable) return false;
  if (stdout.write(chunk)) return true;
  return await new Promise((resolve) => {
    const goOn = (): void => {
      stdout.off("drain", goOn).off("close", goOn).off("error", goOn);
      resolve(stdout.writable);
    };
    stdout.on("drain", goOn).on("close", goOn).on("error", goOn);
  });
}

function lines(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts.flatMap((part) => [part, newLine]));
}

const newLine = Buffer.from("\n");

function itemJson(item: KeyHead | Item): JsonObject {
  const { key, createRevision, modRevision, version, lease } = item;
  const value = "value" in item ? jsonField("value", item.value) : {};
  return { ...jsonField("key", key), ...value, createRevision, modRevision, version, lease };
}

/** `simple` is a line a key, and one for its value; `json` a line an item, so that listings of any size can be printed. */
export class ItemPrinter {
  readonly #output: OutputFormat;
  readonly #values: boolean;
  readonly #rows: string[][] = [];

  constructor(output: OutputFormat, values: boolean) {
    this.#output = output;
    this.#values = values;
  }

  /** False when nobody reads any more. */
  async print(item: KeyHead | Item): Promise<boolean> {
    if (this.#output === "json") return await write(`${JSON.stringify(itemJson(item))}\n`);
    const parts = "value" in item ? [item.key, item.value] : [item.key];
    if (this.#output === "simple") return await write(lines(...parts));
    this.#rows.push([...parts.map(cellOfBytes), String(item.modRevision), String(item.version), item.lease ?? "-"]);
    return true;
  }

  async end(): Promise<void> {
    if (this.#output !== "table") return;
    const value = this.#values ? ["value"] : [];
    printTable(["key", ...value, "modRevision", "version", "lease"], this.#rows);
  }
}

/** `simple` is the kind, the key and the value, a line each, what was before in front; `json` a line a change. */
export class ChangePrinter {
  readonly #output: OutputFormat;
  #headed = false;

  constructor(output: OutputFormat) {
    this.#output = output;
  }

  /** False when nobody reads any more. */
  async print(change: Change): Promise<boolean> {
    const { kind, key, previous, revision, id } = change;
    const value = kind === "put" ? [change.item.value] : [];
    if (this.#output === "json") {
      const item = kind === "put" ? itemJson(change.item) : jsonField("key", key);
      const prev = previous === undefined ? {} : { prev: itemJson(previous) };
      return await write(`${JSON.stringify({ kind, revision, id, ...item, ...prev })}\n`);
    }
    if (this.#output === "table") {
      if (!this.#headed) print("revision\tkind\tkey\tvalue");
      this.#headed = true;
      return await write(`${[revision, kind, ...[key, ...value].map(cellOfBytes)].join("\t")}\n`);
    }
    const before = previous === undefined ? [] : [previous.key, previous.value];
    return await write(lines(Buffer.from(kind.toUpperCase()), ...before, key, ...value));
  }
}

/** `simple` says which branch was taken, and the result of each operation on a line of JSON; `json` is the answer. */
export function printTransaction(output: OutputFormat, answer: JsonObject): void {
  if (output === "json") return printJson(answer);
  const { succeeded, results } = answer;
  const taken = succeeded === true ? "SUCCESS" : "FAILURE";
  const list: readonly unknown[] = Array.isArray(results) ? results : [];
  if (output === "simple") print(taken);
  if (results === null) process.stderr.write("balsa: it was executed, but its results are too large to be repeated\n");
  if (output === "simple") for (const result of list) printJson(result);
  else
    printTable(
      ["branch", "operation", "result"],
      list.map((result) => [taken, ...cellsOf(result)]),
    );
}

function cellsOf(result: unknown): string[] {
  const [name = "-", value] = Object.entries(typeof result === "object" && result !== null ? result : {})[0] ?? [];
  return [name, JSON.stringify(value)];
}

/** `simple` is the id and nothing else, so that it can be handed on. */
export function printGranted(output: OutputFormat, { id, ttlMs }: GrantedLease): void {
  if (output === "simple") print(id);
  else if (output === "json") printJson({ id, ttlMs });
  else printTable(["id", "ttlMs"], [[id, String(ttlMs)]]);
}

export function printKept(output: OutputFormat, { id, ttlMs }: GrantedLease): void {
  if (output === "json") printJson({ id, ttlMs });
  else print(`lease ${id} lives for ${ttlMs} ms`);
}

/** A line a lease; `json` is an array of them. */
export function printLeases(output: OutputFormat, leases: readonly Lease[]): void {
  if (output === "json") {
    const keysOf = ({ keys }: Lease): unknown[] =>
      keys.map((key) => {
        const field = jsonField("key", key);
        return field["key"] ?? field;
      });
    return printJson(leases.map((lease) => ({ ...lease, keys: keysOf(lease) })));
  }
  const columns = ["id", "ttlMs", "remainingMs"] as const;
  const rows = leases.map((lease) => [
    ...columns.map((column) => String(lease[column])),
    lease.keys.map(cellOfBytes).join(" "),
  ]);
  if (output === "table") return printTable([...columns, "keys"], rows);
  for (const [id = "", ttlMs = "", remainingMs = "", keys = ""] of rows)
    print(`${id} ttlMs=${ttlMs} remainingMs=${remainingMs} keys=${keys}`);
}
