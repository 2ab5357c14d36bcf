/**
 * @module
 * Experiment: watches on all nodes while leaders are killed under writes.
 */

import { Agent } from "node:http";
import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import type { Check, Experiment, RunOptions } from "./experiment.ts";
import { jsonCall } from "./watch-calls.ts";
import { EventSourceClient, RoamingClient, type SeenEvent, type WatchClient } from "./watch-clients.ts";

const writers = 16;
const keys = 40;
const killEveryMs = 2_000;
const deadMs = 700;
const catchUpMs = 30_000;

/** One acknowledged write: what its events must be. */
interface Written {
  readonly revision: number;
  readonly values: ReadonlyMap<string, string | null>;
  readonly atMs: number;
}

export const watch: Experiment = {
  name: "watch",
  claim: "A watch gives every change once and in order, on any node, whichever node is killed meanwhile.",
  does:
    `${writers} clients write for 60 s to three nodes, one key or three in one command; kill -9 of the leader every ${killEveryMs / 1_000} s, or ` +
    "once it is back; watches on all nodes come back by themselves, two of them hopping from node to node, three of them the eventsource package.",
  async run(stage: Stage, { seconds = 60 }: RunOptions) {
    const nodes = await stage.cluster(3);
    const urls = nodes.map((node) => node.url);
    const clients: WatchClient[] = [
      new RoamingClient("roams over all nodes", urls, "prefix=w/&since=0", 997),
      new RoamingClient("roams backwards, hangs up often", [...urls].reverse(), "prefix=w/&since=0", 307),
      ...nodes.map((node) => new EventSourceClient(`EventSource on ${node.id}`, `${node.url}/watch?prefix=w/&since=0`)),
      ...nodes.map((node) => new EventSourceClient(`one key on ${node.id}`, `${node.url}/watch?key=w/0&since=0`)),
    ];
    try {
      return await writeAndKill(nodes, clients, seconds * 1_000);
    } finally {
      for (const client of clients) client.close();
    }
  },
};

async function writeAndKill(
  nodes: readonly StagedNode[],
  clients: readonly WatchClient[],
  forMs: number,
): Promise<readonly Check[]> {
  const endsAt = performance.now() + forMs;
  const written: Written[] = [];
  const tally = { unknown: 0 };
  const writing = Array.from({ length: writers }, (_, at) => write(at, nodes, endsAt, written, tally));
  let kills = 0;
  while (performance.now() < endsAt) {
    const nextAt = performance.now() + killEveryMs;
    const leader = await leaderOf(nodes);
    await leader.kill();
    kills++;
    await pause(deadMs);
    await leader.start();
    await pause(Math.max(0, nextAt - performance.now()));
  }
  await Promise.all(writing);
  const last = await lastRevision(nodes);
  const truth = await historyFrom(nodes, last);
  for (const client of clients) {
    const wanted = client.name.startsWith("one key") ? truth.filter(({ key }) => key === "w/0") : truth;
    await until(catchUpMs, async () => (client.seen.length >= wanted.length ? true : undefined));
  }
  return [
    ...figures(written, { unknown: tally.unknown, kills, killsMin: Math.floor(forMs / killEveryMs / 3) }, truth),
    checkTruth(truth, written),
    ...clients.map((client) => checkClient(client, truth)),
  ];
}

/** Puts of one key, of three in one command, and deletions; each value is written once. */
async function write(
  writer: number,
  nodes: readonly StagedNode[],
  endsAt: number,
  written: Written[],
  tally: { unknown: number },
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let count = 0; performance.now() < endsAt; count++) {
    const url = nodes[(writer + count) % nodes.length]?.url ?? "";
    const chosen = new Set(
      Array.from({ length: count % 4 === 0 ? 3 : 1 }, () => `w/${Math.floor(Math.random() * keys)}`),
    );
    const kind = count % 4 === 0 ? "putAll" : count % 10 === 7 ? "delete" : "put";
    const value = kind === "delete" ? null : `${writer}.${count}`;
    const values = new Map([...chosen].map((key) => [key, value]));
    const answer = await jsonCall(agent, url, kind, values);
    if (answer.kind === "written") written.push({ revision: answer.revision, values, atMs: performance.now() });
    else if (answer.kind === "unknown") tally.unknown++;
  }
  agent.destroy();
}

/** The revision of the store, once all nodes have it. */
async function lastRevision(nodes: readonly StagedNode[]): Promise<number> {
  const equal = await until(catchUpMs, async () => {
    const revisions = await Promise.all(nodes.map(async (node) => (await node.status())?.revision ?? -1));
    return revisions.every((revision) => revision > 0 && revision === revisions[0]) ? revisions[0] : undefined;
  });
  if (equal === undefined) throw new Error(`the nodes are not at one revision within ${formatMs(catchUpMs)}`);
  return equal;
}

/** What each node's history says by itself, read without a break after everything has come to rest: all must say the same. */
async function historyFrom(nodes: readonly StagedNode[], last: number): Promise<readonly SeenEvent[]> {
  const histories: (readonly SeenEvent[])[] = [];
  for (const node of nodes) {
    const client = new RoamingClient(node.id, [node.url], "prefix=w/&since=0", Number.POSITIVE_INFINITY);
    await until(catchUpMs, async () => (client.seen.at(-1)?.id === String(last) ? true : undefined));
    client.close();
    histories.push(client.seen);
  }
  const [first = []] = histories;
  if (histories.some((history) => difference(history, first) !== null)) throw new Error("the nodes' histories differ");
  return first;
}

function figures(
  written: readonly Written[],
  { unknown, kills, killsMin }: { readonly unknown: number; readonly kills: number; readonly killsMin: number },
  truth: readonly SeenEvent[],
): Check[] {
  const show = (what: string, measured: string): Check => ({ what, wanted: "", measured, holds: true });
  return [
    { what: "leaders killed", wanted: `>= ${killsMin}`, measured: String(kills), holds: kills >= killsMin },
    show("commands acknowledged / of unknown outcome", `${formatCount(written.length)} / ${unknown}`),
    show("changes in the history", formatCount(truth.length)),
  ];
}

/** The history against what writers were answered: every acknowledged command whole, at its revision, in its order. */
function checkTruth(truth: readonly SeenEvent[], written: readonly Written[]): Check {
  const byRevision = new Map<number, SeenEvent[]>();
  for (const event of truth) {
    const revision = Number(event.id.split(".")[0]);
    byRevision.set(revision, [...(byRevision.get(revision) ?? []), event]);
  }
  const wrong = written.filter(({ revision, values }) => {
    const events = byRevision.get(revision) ?? [];
    return events.length !== values.size || events.some(({ key, value }) => values.get(key) !== value);
  });
  return {
    what: "acknowledged commands that the history lacks or has otherwise",
    wanted: "0",
    measured: `${wrong.length} of ${formatCount(written.length)}`,
    holds: wrong.length === 0 && written.length > 0,
  };
}

function checkClient(client: WatchClient, truth: readonly SeenEvent[]): Check {
  const wanted = client.name.startsWith("one key") ? truth.filter(({ key }) => key === "w/0") : truth;
  const same = difference(client.seen, wanted);
  const seen = `${formatCount(client.seen.length)} events, came back ${client.resumed} times`;
  return {
    what: client.name,
    wanted: `the same ${formatCount(wanted.length)}`,
    measured: same === null ? seen : `${seen}; ${same}`,
    holds: same === null && client.seen.length > 0,
  };
}

/** Where the first differs from the second; null when it does not. */
function difference(seen: readonly SeenEvent[], wanted: readonly SeenEvent[]): string | null {
  for (let at = 0; at < Math.max(seen.length, wanted.length); at++) {
    const [one, other] = [seen[at], wanted[at]];
    if (one?.key === other?.key && one?.value === other?.value && sameId(one, other)) continue;
    return `event ${at} is ${one?.id ?? "missing"}, wanted ${other?.id ?? "none"}`;
  }
  return null;
}

/** The last of a command that a watch sees has the revision itself as its id; for a single key that is every one. */
function sameId(one: SeenEvent | undefined, other: SeenEvent | undefined): boolean {
  return one?.id.split(".")[0] === other?.id.split(".")[0];
}
