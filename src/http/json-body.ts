/**
 * @module
 * Bodies in JSON, checked field by field.
 */

import { parseDialledAddress } from "../address/address.ts";
import { isIncarnation, isNodeId } from "../address/node-id.ts";
import { BalsaError } from "../errors/balsa-error.ts";
import type { KeyValue } from "../kv/command.ts";
import { bad, encodeText, shown } from "./fields.ts";
import { parseJsonObject } from "./json-text.ts";
import type { JoiningMember, MemberChange } from "./request.ts";

/** Keys of one `POST /key`: every node applies them in one go, and does nothing else meanwhile. */
const pairsMax = 10_000;

export interface PairLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

/** The body of `POST /key`: an object of strings. */
export function parsePairs(body: Uint8Array, limits: PairLimits): readonly KeyValue[] {
  const entries = Object.entries(parseJsonObject(body));
  if (entries.length > pairsMax) throw bad(`the body names ${entries.length} keys, more than ${pairsMax}`);
  const pairs = entries.map(([name, text]) => {
    if (typeof text !== "string") throw bad(`the value of ${shown(name)} is not a string`);
    const key = encodeText(name, "a key");
    const value = encodeText(text, `the value of ${shown(name)}`);
    if (key.length === 0) throw bad("a key is empty");
    if (key.length > limits.keyBytesMax) throw bad(`a key has ${key.length} bytes, more than ${limits.keyBytesMax}`);
    if (value.length > limits.valueBytesMax) {
      throw new BalsaError(
        "VALUE_TOO_LARGE",
        `the value of ${shown(name)} is larger than ${limits.valueBytesMax} bytes`,
      );
    }
    return { key, value };
  });
  if (pairs.length === 0) throw bad("the body names no key");
  return pairs;
}

/** The body of `POST /join`. */
export function parseJoin(body: Uint8Array): JoiningMember {
  const fields = parseFields(body, ["id", "httpAddr", "raftAddr", "incarnation", "role"]);
  const incarnation = incarnationIn(fields);
  const standing = fields.get("role") ?? "voter";
  if (standing !== "voter" && standing !== "learner") throw bad("role takes voter or learner");
  const nodeId = memberId(fields, "id");
  const [httpAddr, raftAddr] = [address(fields, "httpAddr"), address(fields, "raftAddr")];
  if (httpAddr === raftAddr) throw bad("httpAddr and raftAddr are the same address");
  return { nodeId, httpAddr, raftAddr, incarnation, standing };
}

/** The body of `PATCH /cluster/members/<id>`: what is to change. */
export function parseUpdate(body: Uint8Array): Omit<Extract<MemberChange, { kind: "update" }>, "kind" | "nodeId"> {
  const fields = parseFields(body, ["httpAddr", "raftAddr", "incarnation"]);
  const [httpAddr, raftAddr] = [optionalAddress(fields, "httpAddr"), optionalAddress(fields, "raftAddr")];
  if (httpAddr === null && raftAddr === null) throw bad("the body names neither httpAddr nor raftAddr");
  return { httpAddr, raftAddr, incarnation: incarnationIn(fields) };
}

/** The body of a request that has nothing to say: none, or an empty object. */
export function parseNothing(body: Uint8Array): void {
  if (body.length > 0) parseFields(body, []);
}

/** The body of `POST /remove` (`id`) and of `POST /cluster/transfer` (`to`). Throws MEMBER_NOT_FOUND for what is no id. */
export function parseMemberId(body: Uint8Array, field: "id" | "to"): string {
  const id = parseFields(body, [field]).get(field);
  if (id === undefined) throw bad(`the field ${field} is missing`);
  if (!isNodeId(id)) throw new BalsaError("MEMBER_NOT_FOUND", `no member can be called ${shown(id)}`);
  return id;
}

function memberId(fields: ReadonlyMap<string, string>, field: string): string {
  const id = fields.get(field);
  if (!isNodeId(id)) {
    throw bad(`${field} takes a member's id: 1 to 64 letters, digits, dots, underscores and hyphens`);
  }
  return id;
}

function incarnationIn(fields: ReadonlyMap<string, string>): string {
  const incarnation = fields.get("incarnation") ?? "";
  if (isIncarnation(incarnation)) return incarnation;
  throw bad("incarnation takes at most 64 letters, digits, dots, underscores and hyphens");
}

function optionalAddress(fields: ReadonlyMap<string, string>, field: string): string | null {
  return fields.has(field) ? address(fields, field) : null;
}

function address(fields: ReadonlyMap<string, string>, field: string): string {
  const text = fields.get(field) ?? "";
  if (parseDialledAddress(text) === null)
    throw bad(`${field} takes host:port without a scheme, such as 127.0.0.1:8091`);
  return text;
}

function parseFields(body: Uint8Array, allowed: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(parseJsonObject(body))) {
    if (!allowed.includes(name)) throw bad(`the field ${shown(name)} is unknown here`);
    if (typeof value !== "string") throw bad(`the field ${name} is not a string`);
    fields.set(name, value);
  }
  return fields;
}
