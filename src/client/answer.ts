/**
 * @module
 * Reads a node's answers: JSON with a known shape, and problem+json as a BalsaError.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { isErrorCode } from "../errors/codes.ts";
import type { Answer } from "./exchange.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Throws a BalsaError `INTERNAL` when the body is not a JSON object. */
export function jsonObjectOf(answer: Answer): JsonObject {
  const parsed = parseJson(answer.body);
  if (isObject(parsed)) return parsed;
  throw new BalsaError("INTERNAL", `the answer (status ${answer.status}) is not a JSON object`);
}

/**
 * The error of an answer that is no success.
 *
 * An error that this client does not know is `INTERNAL`. What the node says of the outcome is believed only
 * where it is `unknown`, or where the registry agrees that nothing was applied.
 */
export function errorOf(answer: Answer): BalsaError {
  const parsed = parseJson(answer.body);
  const problem: JsonObject = isObject(parsed) ? parsed : {};
  const { code, detail, title, outcome } = problem;
  const text = [detail, title].find((words) => typeof words === "string" && words !== "");
  const words = typeof text === "string" ? text : `the node answered ${answer.status}`;
  if (!isErrorCode(code)) return new BalsaError("INTERNAL", words);
  return outcome === "unknown" ? new BalsaError(code, words, "unknown") : new BalsaError(code, words);
}

/** The revision in a header; throws a BalsaError `INTERNAL` when it is not there. */
export function revisionIn(answer: Pick<Answer, "status" | "headers">, header: string): number {
  const text = answer.headers.get(header)?.replaceAll('"', "");
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new BalsaError("INTERNAL", `the answer (status ${answer.status}) has no ${header}`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined when the bytes are not JSON: the callers say so in their own words. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
