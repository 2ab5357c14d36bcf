/**
 * @module
 * The same log makes the same state on every node: their hashes, once all have applied the same.
 */

import { expect } from "chai";
import { until } from "./until.ts";

interface Stand {
  readonly appliedIndex: number;
  readonly commitIndex: number;
  readonly revision: number;
  readonly alarms: readonly unknown[];
  readonly storage: { readonly stateHash: number };
}

/** Nobody may write meanwhile. Rejects when the nodes have not applied the same in time, or when it made them differ. */
export async function expectEqualStates(urls: readonly string[]): Promise<void> {
  const stands = await until("all nodes have applied the same", async () => {
    const before = await standsOf(urls);
    const after = await standsOf(urls);
    const indices = new Set([...before, ...after].flatMap((stand) => [stand?.appliedIndex, stand?.commitIndex]));
    // Read twice: what a node shows while it applies belongs to two indices.
    return indices.size === 1 ? after.filter((stand) => stand !== null) : undefined;
  });
  expect(stands).to.have.length(urls.length);
  const index = stands[0]?.appliedIndex;
  const states = stands.map(({ revision, storage }) => ({ revision, stateHash: storage.stateHash }));
  for (const state of states) expect(state, `after index ${index}`).to.deep.equal(states[0]);
  expect(stands.flatMap(({ alarms }) => alarms)).to.deep.equal([]);
}

function standsOf(urls: readonly string[]): Promise<(Stand | null)[]> {
  return Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(`${url}/status`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
      return answer?.status === 200 ? ((await answer.json()) as Stand) : null;
    }),
  );
}
