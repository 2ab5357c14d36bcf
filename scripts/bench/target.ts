/**
 * @module
 * What is measured of three nodes, and what they are given before.
 */

import { formatCount } from "../table.ts";
import { cycleKeys, type Scenario } from "./scenario.ts";

export const valueBytes = 256;
export const value: string = "v".repeat(valueBytes);
/** Before a scenario is first measured: code that is not compiled yet would be measured instead. */
export const warmUpSeconds = 3;
/** A put runs through every thread of three nodes. */
export const putWarmUpSeconds = 10;
const prefillBatch = 500;

export interface Target {
  readonly name: string;
  readonly scenario: Scenario;
}

/** `leader` and `follower` are `http://host:port`. */
export function targetsAt({
  leader,
  follower,
}: {
  readonly leader: string;
  readonly follower: string;
}): readonly Target[] {
  const get = { method: "GET", path: "/key/cycle-", query: "", keys: "cycle", body: "" } as const;
  const put = { origin: leader, method: "PUT", query: "", body: value } as const;
  return [
    { name: "put, new keys", scenario: { ...put, path: "/key/new-", keys: "new" } },
    { name: `put over ${formatCount(cycleKeys)} keys`, scenario: { ...put, path: "/key/cycle-", keys: "cycle" } },
    { name: "get, linearizable, leader", scenario: { ...get, origin: leader } },
    { name: "get, linearizable, follower", scenario: { ...get, origin: follower } },
    { name: "get, stale", scenario: { ...get, origin: follower, query: "?level=stale" } },
  ];
}

export function isPut({ method }: Scenario): boolean {
  return method === "PUT";
}

/** Seconds. */
export function warmUpOf(scenario: Scenario): number {
  return isPut(scenario) && scenario.keys === "new" ? putWarmUpSeconds : warmUpSeconds;
}

/** Puts all keys of `cycle`. */
export async function prefill(url: string): Promise<void> {
  for (let from = 0; from < cycleKeys; from += prefillBatch) {
    const keys = Array.from({ length: prefillBatch }, (_, at) => [`cycle-${from + at}`, value] as const);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(Object.fromEntries(keys));
    const answer = await fetch(`${url}/key`, { method: "POST", headers, body });
    if (answer.status !== 200) throw new Error(`filling the store: ${answer.status} ${await answer.text()}`);
  }
}
