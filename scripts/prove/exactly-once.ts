/**
 * @module
 * Experiment: clients repeat every write that was not answered, while one leader after the other is killed.
 */

import { leaderOf, pause, type Stage, type StagedNode } from "../stage.ts";
import { formatCount } from "../table.ts";
import type { Check, Experiment, RunOptions } from "./experiment.ts";
import { type Counter, KeyedClients, twinOf } from "./keyed-clients.ts";
import { now } from "./load-protocol.ts";

const defaultSeconds = 60;
const killEveryMs = 2_000;
const countersEach = 4;
const clientsPerCounter = 3;
const repeatedMin = 100;
const kinds = ["put", "compareAndSet", "transaction"] as const;

export const exactlyOnce: Experiment = {
  name: "exactly-once",
  claim: "A write under an Idempotency-Key that is sent again, however often and wherever, is applied once.",
  does:
    `Three nodes; ${kinds.length * countersEach * clientsPerCounter} clients count up by plain puts, compare-and-set and transactions for ` +
    `${defaultSeconds} s, with time-outs of milliseconds, and repeat at another node what was not answered; kill -9 of the leader every ` +
    `${killEveryMs / 1_000} s; then every counter is read on each node.`,
  async run(stage: Stage, { seconds = defaultSeconds }: RunOptions) {
    const nodes = await stage.cluster(3);
    const counters = kinds.flatMap((kind) =>
      Array.from({ length: countersEach }, (_, at) => ({ kind, key: `${kind}-${at}` })),
    );
    await leaderOf(nodes);
    const clients = new KeyedClients(
      nodes.map(({ url }) => url),
      counters,
      clientsPerCounter,
    );
    let kills = 0;
    for (const endAt = now() + seconds * 1_000; now() < endAt; kills += 1) await killLeader(nodes, now() + killEveryMs);
    await leaderOf(nodes);
    await clients.stop();
    return [...workChecks(clients, kills, seconds), ...(await counterChecks(nodes, clients.counters))];
  },
};

/** It is started again at once; resolves at `until`, or when it is ready, whichever is later. */
async function killLeader(nodes: readonly StagedNode[], until: number): Promise<void> {
  const leader = await leaderOf(nodes);
  await leader.kill();
  await leader.start();
  await pause(Math.max(0, until - now()));
}

function workChecks({ counts }: KeyedClients, kills: number, seconds: number): readonly Check[] {
  const killsMin = Math.floor((seconds * 1_000) / killEveryMs / 3);
  return [
    check("leaders killed", `>= ${killsMin}`, String(kills), kills >= killsMin),
    check("requests sent", "", formatCount(counts.sent), true),
    check(
      "sent again because nobody knew what had become of it",
      `>= ${repeatedMin}`,
      formatCount(counts.repeatedUnknown),
      counts.repeatedUnknown >= repeatedMin,
    ),
    check("sent again because it was refused", "", formatCount(counts.repeatedRefused), true),
    check("conditions that failed", "", formatCount(counts.conflicts), true),
    check("answers that nothing explains", "0", counts.odd ?? "0", counts.odd === null),
  ];
}

async function counterChecks(nodes: readonly StagedNode[], counters: readonly Counter[]): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const kind of kinds) {
    const of = counters.filter((counter) => counter.kind === kind);
    const total = of.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    let [lost, doubled] = [0, 0];
    for (const node of nodes) {
      for (const { key, acknowledged } of of) {
        for (const counted of await countsOf(node, kind, key)) {
          lost += Math.max(0, acknowledged - counted);
          doubled += Math.max(0, counted - acknowledged);
        }
      }
    }
    const measured = `${lost} / ${doubled} of ${formatCount(total)} acknowledged`;
    checks.push(
      check(`${kind}: lost / doubled on ${nodes.length} nodes`, "0 / 0", measured, lost + doubled === 0 && total > 0),
    );
  }
  return checks;
}

/** How often it was counted up: by its version, and, where the value counts too, by that. */
async function countsOf(node: StagedNode, kind: Counter["kind"], key: string): Promise<readonly number[]> {
  const { version, value } = await recordOf(node, key);
  if (kind === "compareAndSet") return [version, Number(value)];
  if (kind === "transaction") return [version, (await recordOf(node, twinOf(key))).version];
  return [version];
}

async function recordOf(node: StagedNode, key: string): Promise<{ readonly version: number; readonly value: string }> {
  const answer = await fetch(`${node.url}/key/${key}`, { headers: { accept: "application/json" } });
  if (answer.status === 404) return { version: 0, value: "0" };
  return (await answer.json()) as { version: number; value: string };
}

function check(what: string, wanted: string, measured: string, holds: boolean): Check {
  return { what, wanted, measured, holds };
}
