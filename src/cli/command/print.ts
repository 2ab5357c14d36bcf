/**
 * @module
 * How the client commands print what they were answered: `simple`, `table` or `json`.
 */

import { isUtf8 } from "node:buffer";
import type { JsonObject } from "../../client/answer.ts";
import type { DeleteResult, KeyValue, PutResult } from "../../client/balsa-client.ts";
import { base64Of, jsonField, textOf } from "../../client/bytes.ts";
import type { ListedMember, Member } from "../../client/members.ts";

export type OutputFormat = "simple" | "table" | "json";

export interface NodeStatus {
  readonly endpoint: URL;
  readonly status: JsonObject;
}

/** `simple` is the value's bytes and nothing else, so that they can be piped; a terminal gets a line end. */
export function printValue(output: OutputFormat, key: string, found: KeyValue): void {
  if (output === "simple") {
    process.stdout.write(found.value);
    if (process.stdout.isTTY) process.stdout.write("\n");
    return;
  }
  const { value, modRevision, revision } = found;
  if (output === "json") printJson({ key, ...jsonField("value", value), modRevision, revision });
  else printTable(["key", "value", "modRevision"], [[key, cellOfBytes(value), String(modRevision)]]);
}

export function printPut(output: OutputFormat, key: string, result: PutResult): void {
  if (output === "simple") print("OK");
  else if (output === "json") printJson({ key, ...result });
  else printTable(["key", "modRevision"], [[key, String(result.modRevision)]]);
}

export function printDeleted(output: OutputFormat, key: string, result: DeleteResult): void {
  if (output === "simple") print(String(result.deleted));
  else if (output === "json") printJson({ key, ...result });
  else printTable(["key", "deleted", "revision"], [[key, String(result.deleted), String(result.revision)]]);
}

const statusColumns = ["id", "role", "term", "leader", "commitIndex", "appliedIndex", "revision", "version"] as const;

/** A line a node; `json` is an array of what the nodes answered, each with the endpoint that was asked. */
export function printStatus(output: OutputFormat, answers: readonly NodeStatus[]): void {
  if (output === "json") {
    printJson(answers.map(({ endpoint, status }) => ({ endpoint: endpoint.origin, ...status })));
    return;
  }
  const rows = answers.map(({ endpoint, status }) => [
    endpoint.origin,
    ...statusColumns.map((column) => cellOf(column, status[column])),
  ]);
  if (output === "table") printTable(["endpoint", ...statusColumns], rows);
  else
    for (const row of rows)
      print(row.map((cell, at) => (at === 0 ? cell : `${statusColumns[at - 1]}=${cell}`)).join(" "));
}

const memberColumns = ["id", "role", "leader", "healthy", "matchIndex", "httpAddr", "raftAddr"] as const;

/** A line a member; `json` is an array of them. */
export function printMembers(output: OutputFormat, members: readonly ListedMember[]): void {
  if (output === "json") return printJson(members);
  const rows = members.map((member) => memberColumns.map((column) => String(member[column] ?? "-")));
  if (output === "table") return printTable(memberColumns, rows);
  for (const row of rows) print(row.map((cell, at) => (at === 0 ? cell : `${memberColumns[at]}=${cell}`)).join(" "));
}

/** What became of a member. */
export function printMember(output: OutputFormat, member: Member): void {
  const { id, role, httpAddr, raftAddr } = member;
  if (output === "json") printJson(member);
  else if (output === "table") printTable(["id", "role", "httpAddr", "raftAddr"], [[id, role, httpAddr, raftAddr]]);
  else print("OK");
}

/** That something is done, and to what. */
export function printDone(output: OutputFormat, what: Readonly<Record<string, string>>): void {
  if (output === "simple") print("OK");
  else if (output === "json") printJson(what);
  else printTable(Object.keys(what), [Object.values(what)]);
}

function cellOf(column: (typeof statusColumns)[number], value: unknown): string {
  if (column === "leader") {
    const named = typeof value === "object" && value !== null && "id" in value;
    return named && typeof value.id === "string" ? value.id : "-";
  }
  return typeof value === "string" || typeof value === "number" ? String(value) : "-";
}

/** Columns as wide as their widest cell; control characters are escaped, so that a value cannot draw its own. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, ...rows].map((row) => row.map(visible));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  for (const line of [lines[0] ?? [], rule, ...lines.slice(1)]) {
    print(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

function visible(cell: string): string {
  return cell.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

/** On one line, whatever the bytes are. */
export function cellOfBytes(bytes: Uint8Array): string {
  return visible(isUtf8(bytes) ? textOf(bytes) : `base64:${base64Of(bytes)}`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
