/**
 * @module
 * Query strings, parsed strictly: a parameter that a route does not know is refused, never ignored.
 */

import { isUtf8 } from "node:buffer";
import { BalsaError } from "../errors/balsa-error.ts";
import { parseDurationMs } from "./duration.ts";
import { percentDecode } from "./percent.ts";

export type QueryParameters = ReadonlyMap<string, string>;

const noParameters: QueryParameters = new Map();

/** Throws BAD_REQUEST for unknown, repeated and malformed parameters. `text` is what follows the `?`. */
export function parseQuery(text: string, allowed: readonly string[]): QueryParameters {
  if (text === "") return noParameters;
  const parameters = new Map<string, string>();
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    const name = decodeText(equals < 0 ? pair : pair.slice(0, equals));
    if (!allowed.includes(name)) throw unknownParameter(name);
    if (parameters.has(name)) throw new BalsaError("BAD_REQUEST", `the query parameter ${name} is given twice`);
    parameters.set(name, equals < 0 ? "" : decodeText(pair.slice(equals + 1), name.endsWith("Base64")));
  }
  return parameters;
}

function unknownParameter(name: string): BalsaError {
  return new BalsaError("BAD_REQUEST", `the query parameter ${JSON.stringify(name.slice(0, 64))} is unknown here`);
}

/** As forms are encoded: `+` is a space. Only in base64, which has no space, it is itself. */
function decodeText(text: string, isBase64 = false): string {
  const bytes = percentDecode(isBase64 ? text : text.replaceAll("+", " "));
  if (bytes !== undefined && isUtf8(bytes)) return bytes.toString();
  throw new BalsaError("BAD_REQUEST", "the query is not percent-encoded UTF-8; other bytes are given as …Base64");
}

/** `?redirect`, also `=true` and `=false`. */
export function parseFlag(parameters: QueryParameters, name: string): boolean {
  const value = parameters.get(name);
  if (value === undefined || value === "false") return false;
  if (value === "" || value === "true") return true;
  throw new BalsaError("BAD_REQUEST", `the query parameter ${name} takes true, false or no value`);
}

/** How fresh a read has to be, and who answers it. */
export interface Level {
  readonly stale: boolean;
  /** Whether the leader's lease will do. */
  readonly byLease: boolean;
  /** Milliseconds; infinite when any age will do. */
  readonly maxAgeMs: number;
  readonly redirect: boolean;
}

export interface ReadQuery extends Level {
  /** As of this revision; undefined: as of now. */
  readonly revision: number | undefined;
}

const levels: ReadonlyMap<string, "linearizable" | "lease" | "stale"> = new Map([
  ["linearizable", "linearizable"],
  ["consistent", "linearizable"],
  ["lease", "lease"],
  ["default", "lease"],
  ["stale", "stale"],
]);
/** What every read of data takes. */
export const levelParameters: readonly string[] = ["level", "max-age", "redirect"];
const readParameters: readonly string[] = [...levelParameters, "revision"];
const rememberedMax = 64;
const rememberedLengthMax = 64;

/** Parses the queries of reads; remembers the last few, since a client's are nearly always the same. */
export class ReadQueryParser {
  readonly #remembered = new Map<string, ReadQuery>();

  parse(text: string): ReadQuery {
    const remembered = this.#remembered.get(text);
    if (remembered !== undefined) return remembered;
    const query = parseReadQuery(text);
    if (text.length <= rememberedLengthMax) {
      if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
      this.#remembered.set(text, query);
    }
    return query;
  }
}

function parseReadQuery(text: string): ReadQuery {
  const parameters = parseQuery(text, readParameters);
  return { ...parseLevel(parameters), revision: parseRevision(parameters) };
}

/** `?level=`, `?max-age=` and `?redirect`. */
export function parseLevel(parameters: QueryParameters): Level {
  const level = levels.get(parameters.get("level") ?? "linearizable");
  if (level === undefined) throw new BalsaError("BAD_REQUEST", `level takes ${[...levels.keys()].join(", ")}`);
  const stale = level === "stale";
  const redirect = parseFlag(parameters, "redirect");
  if (redirect && stale) throw new BalsaError("BAD_REQUEST", "a stale read is answered by the node that was asked");
  return { stale, byLease: level === "lease", maxAgeMs: parseMaxAge(parameters.get("max-age"), stale), redirect };
}

/** `?revision=`, or a parameter of another name that takes one: undefined when it is not given. */
export function parseRevision(parameters: QueryParameters, name = "revision"): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new BalsaError("BAD_REQUEST", `${name} takes a revision, a whole number`);
}

function parseMaxAge(text: string | undefined, stale: boolean): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!stale) throw new BalsaError("BAD_REQUEST", "max-age belongs to level=stale");
  const maxAgeMs = parseDurationMs(text);
  if (maxAgeMs === undefined) throw new BalsaError("BAD_REQUEST", "max-age takes a duration such as 500ms or 5s");
  return maxAgeMs;
}
