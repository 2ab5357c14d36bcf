/**
 * @module
 * What one measurement asks for, however the load is made.
 */

/** `new`: each request a key of its own. `cycle`: 10 000 keys in turn. `none`: always the same path. */
export type KeyPattern = "new" | "cycle" | "none";

export interface Scenario {
  /** `http://host:port`. */
  readonly origin: string;
  readonly method: "GET" | "PUT" | "POST";
  /** Before the key's number. */
  readonly path: string;
  /** After it. */
  readonly query: string;
  readonly keys: KeyPattern;
  /** Default `connections`. */
  readonly connections?: number;
  /** `@` stands for the key's number in twelve digits; empty for none. */
  readonly body: string;
}

export const cycleKeys = 10_000;

export interface Measurement {
  /** Answers below 400. */
  readonly answered: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers of 400 and above, and connections that failed. Any means that the figure says nothing. */
  readonly failed: number;
}

/** Runs a scenario over so many connections. `run` makes the keys of `new` differ between calls. */
export interface LoadTool {
  readonly name: string;
  measure(scenario: Scenario, run: number, seconds: number): Promise<Measurement>;
}

export const connections = 64;

/** First number of the keys of one run: runs do not meet. */
export function firstKey(run: number): number {
  return run * 100_000_000;
}
