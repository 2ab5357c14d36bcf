/**
 * @module
 * JSON as bodies carry it (RFC 8259), refused where two readers could understand it differently.
 */

import { BalsaError } from "../errors/balsa-error.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Throws BAD_REQUEST for what is no JSON object, and for an object anywhere in it that names a field twice. */
export function parseJsonObject(body: Uint8Array): object {
  let text: string;
  let parsed: unknown;
  try {
    text = utf8.decode(body);
    parsed = JSON.parse(text);
  } catch {
    throw new BalsaError("BAD_REQUEST", "the body is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new BalsaError("BAD_REQUEST", "the body is not a JSON object");
  const twice = nameGivenTwice(text);
  if (twice !== undefined)
    throw new BalsaError("BAD_REQUEST", `the body names ${JSON.stringify(twice.slice(0, 64))} twice in one object`);
  return parsed;
}

const [quote, backslash, colon, braceOpen, braceClose] = [0x22, 0x5c, 0x3a, 0x7b, 0x7d];

/** A name that one object of `text` has twice, where `JSON.parse` keeps the last. `text` is JSON. */
function nameGivenTwice(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case braceOpen:
        open.push(new Set());
        break;
      case braceClose:
        open.pop();
        break;
      case quote: {
        const end = endOfString(text, at);
        if (isFollowedByColon(text, end)) {
          const name = stringOf(text.slice(at, end));
          const names = open.at(-1);
          if (names?.has(name) === true) return name;
          names?.add(name);
        }
        at = end - 1;
        break;
      }
    }
  }
  return undefined;
}

/** Behind the closing quote of the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
}

/** In JSON only a name has a colon behind it. */
function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === colon;
}

function stringOf(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  const parsed: unknown = JSON.parse(literal);
  return String(parsed);
}
