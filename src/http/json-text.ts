/**
 * @module
 * JSON as bodies carry it (RFC 8259), refused where two readers could understand it differently.
 */

import { bad, shown } from "./fields.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Braces, brackets, commas and colons: twice what the largest body needs that any route takes. */
const marksMax = 50_000;
/** Of objects and lists in one another. */
const depthMax = 128;

/**
 * Throws BAD_REQUEST for what is no JSON object, for one that would hold up the thread (a few megabytes of braces take
 * half a second to parse and check), and for an object anywhere in it that names a field twice.
 */
export function parseJsonObject(body: Uint8Array): object {
  const text = textOf(body);
  const twice = nameGivenTwice(text);
  const parsed = valueOf(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw bad("the body is not a JSON object");
  if (twice !== undefined) throw bad(`the body names ${shown(twice)} twice in one object`);
  return parsed;
}

function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw bad("the body is not JSON");
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad("the body is not JSON");
  }
}

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [braceOpen, braceClose, bracketOpen, bracketClose] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * A name that one object of `text` has twice, where `JSON.parse` keeps the last; of no meaning when `text` is no JSON.
 * Throws BAD_REQUEST when there is too much of it.
 */
function nameGivenTwice(text: string): string | undefined {
  /** The names in each object that is open; null in a list. */
  const open: (Set<string> | null)[] = [];
  let twice: string | undefined;
  let marks = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case braceOpen:
        open.push(new Set());
        marks++;
        break;
      case bracketOpen:
        open.push(null);
        marks++;
        break;
      case braceClose:
      case bracketClose:
        open.pop();
        break;
      case comma:
      case colon:
        marks++;
        break;
      case quote: {
        const end = endOfString(text, at);
        const names = open.at(-1) ?? null;
        if (names !== null && isFollowedByColon(text, end)) {
          const name = stringOf(text.slice(at, end));
          if (names.has(name)) twice ??= name;
          names.add(name);
        }
        at = end - 1;
        break;
      }
    }
    if (open.length > depthMax) throw bad(`the body nests objects and lists more than ${depthMax} deep`);
    if (marks > marksMax) throw bad("the body has more fields and values than any request takes");
  }
  return twice;
}

/** Behind the closing quote of the string that opens at `at`; the end of the text when it has none. */
function endOfString(text: string, at: number): number {
  const first = text.indexOf('"', at + 1);
  if (first >= 0 && text.charCodeAt(first - 1) !== backslash) return first + 1;
  for (let end = at + 1; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === backslash) end++;
    else if (code === quote) return end + 1;
  }
  return text.length;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === colon;
}

function stringOf(literal: string): string {
  return literal.includes("\\") ? String(valueOf(literal)) : literal.slice(1, -1);
}
