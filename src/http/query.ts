/**
 * @module
 * Query strings, parsed strictly: a parameter that a route does not know is refused, never ignored.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { parseDurationMs } from "./duration.ts";

export type QueryParameters = ReadonlyMap<string, string>;

/** Known to the interface, but not to this version. */
const laterParameters: ReadonlySet<string> = new Set(["ttl", "lease", "revision"]);
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
    parameters.set(name, equals < 0 ? "" : decodeText(pair.slice(equals + 1)));
  }
  return parameters;
}

function unknownParameter(name: string): BalsaError {
  const shown = JSON.stringify(name.slice(0, 64));
  return laterParameters.has(name)
    ? new BalsaError("BAD_REQUEST", `the query parameter ${shown} is not supported by this version`)
    : new BalsaError("BAD_REQUEST", `the query parameter ${shown} is unknown here`);
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BalsaError("BAD_REQUEST", "the query is not percent-encoded UTF-8");
  }
}

/** `?redirect`, also `=true` and `=false`. */
export function parseFlag(parameters: QueryParameters, name: string): boolean {
  const value = parameters.get(name);
  if (value === undefined || value === "false") return false;
  if (value === "" || value === "true") return true;
  throw new BalsaError("BAD_REQUEST", `the query parameter ${name} takes true, false or no value`);
}

export interface ReadQuery {
  readonly stale: boolean;
  /** Milliseconds; infinite when any age will do. */
  readonly maxAgeMs: number;
  readonly redirect: boolean;
}

const staleByLevel: ReadonlyMap<string, boolean> = new Map([
  ["linearizable", false],
  ["consistent", false],
  ["lease", false],
  ["default", false],
  ["stale", true],
]);
const readParameters: readonly string[] = ["level", "max-age", "redirect"];
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
  const level = parameters.get("level") ?? "linearizable";
  const stale = staleByLevel.get(level);
  if (stale === undefined) {
    throw new BalsaError("BAD_REQUEST", `level takes ${[...staleByLevel.keys()].join(", ")}`);
  }
  const redirect = parseFlag(parameters, "redirect");
  if (redirect && stale) throw new BalsaError("BAD_REQUEST", "a stale read is answered by the node that was asked");
  return { stale, maxAgeMs: parseMaxAge(parameters.get("max-age"), stale), redirect };
}

function parseMaxAge(text: string | undefined, stale: boolean): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!stale) throw new BalsaError("BAD_REQUEST", "max-age belongs to level=stale");
  const maxAgeMs = parseDurationMs(text);
  if (maxAgeMs === undefined) throw new BalsaError("BAD_REQUEST", "max-age takes a duration such as 500ms or 5s");
  return maxAgeMs;
}
