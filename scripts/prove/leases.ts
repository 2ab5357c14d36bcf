/**
 * @module
 * Experiment: leases end when they are due and not before, also while leaders come and go.
 */

import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import type { Check, Experiment } from "./experiment.ts";
import { LeaseClients, type LeaseSeen } from "./lease-clients.ts";
import { now } from "./load-protocol.ts";
import { post } from "./member-calls.ts";

const quietLeases = 60;
const ttlMsMin = 2_000;
const ttlMsMax = 6_000;
const lateMsMax = 2_000;
const keptLeases = 20;
/** Longer than any time without a leader that is made here. */
const keptTtlMs = 8_000;
const leasesBeforeEach = 15;
const pauseMs = 2_500;
const blinkMs = 600;
const settleMs = 1_500;
const giveUpMs = 30_000;

const changes = ["kill -9", "transfer", "SIGSTOP", "kill -9", "transfer"] as const;

export const leases: Experiment = {
  name: "leases",
  claim: "A lease never ends early, whoever leads, and otherwise within 2 s of its time; its keys go all at once.",
  does:
    `Three nodes; ${quietLeases} leases of ${formatMs(ttlMsMin)} to ${formatMs(ttlMsMax)} that nobody renews; then ${keptLeases} that are renewed, and ` +
    `${leasesBeforeEach} more that are not before each of ${changes.length} changes of leader (${changes.join(", ")}) and after a pause of a follower; ` +
    "every key with a lease is listed every 50 ms.",
  async run(stage: Stage) {
    const nodes = await stage.cluster(3);
    await leaderOf(nodes);
    const quiet = await quietly(nodes);
    return [...quiet, ...(await underChanges(nodes))];
  },
};

async function quietly(nodes: readonly StagedNode[]): Promise<readonly Check[]> {
  const clients = new LeaseClients(nodes);
  await grantMany(clients, quietLeases);
  await untilEnded(clients);
  await clients.stop();
  const late = clients.leases.map(
    ({ ended, renewedBy, ttlMs }) => (ended?.by ?? Number.POSITIVE_INFINITY) - renewedBy - ttlMs,
  );
  return [
    ...commonChecks("one leader", clients),
    atMost("one leader: seen to have ended after their time, latest", lateMsMax, Math.max(...late)),
  ];
}

async function underChanges(nodes: readonly StagedNode[]): Promise<readonly Check[]> {
  const clients = new LeaseClients(nodes);
  const before = await termOf(nodes);
  await Promise.all(Array.from({ length: keptLeases }, () => clients.grant(keptTtlMs, true)));
  let changed = 0;
  for (const change of changes) {
    await grantMany(clients, leasesBeforeEach);
    changed += (await changeLeader(nodes, change)) ? 1 : 0;
    await pause(settleMs);
  }
  await blink(nodes);
  await leaderOf(nodes);
  const keptEnded = clients.leases.filter(({ kept, ended }) => kept && ended !== null).length;
  await grantMany(clients, 1);
  const settledAt = now();
  await clients.stopKeeping();
  await untilEnded(clients);
  await clients.stop();
  const late = clients.leases.map(
    ({ ended, renewedBy, ttlMs }) => (ended?.by ?? Number.POSITIVE_INFINITY) - Math.max(settledAt, renewedBy) - ttlMs,
  );
  const terms = (await termOf(nodes)) - before;
  return [
    check("changes of leader", `${changes.length}`, `${changed} (${terms} terms)`, changed === changes.length),
    ...commonChecks("leaders change", clients),
    check("leaders change: renewed and ended all the same", "0", `${keptEnded} of ${keptLeases}`, keptEnded === 0),
    atMost(
      "leaders change: ended after the last change and a whole time to live, latest",
      lateMsMax,
      Math.max(...late),
    ),
  ];
}

function commonChecks(when: string, { leases: all, listings, torn }: LeaseClients): readonly Check[] {
  const early = all.filter(isEarly);
  const [worst] = early;
  const example =
    worst === undefined ? "" : ` (${formatMs((worst.ended?.by ?? 0) - worst.renewedFrom)} of ${worst.ttlMs} ms)`;
  const ended = all.filter((lease) => lease.ended !== null).length;
  return [
    check(`${when}: leases that ended`, "all", `${ended} of ${formatCount(all.length)}`, ended === all.length),
    check(`${when}: ended early`, "0", `${early.length}${example}`, early.length === 0),
    check(
      `${when}: listings with some keys of a lease and not others`,
      "0",
      `${torn ?? 0} of ${formatCount(listings)}`,
      torn === null && listings > 0,
    ),
  ];
}

/** It was gone before its time had passed since its newest acknowledged renewal was sent. */
function isEarly({ ended, renewedFrom, ttlMs }: LeaseSeen): boolean {
  return ended !== null && ended.by < renewedFrom + ttlMs;
}

/** Their times to live are spread evenly. */
async function grantMany(clients: LeaseClients, count: number): Promise<void> {
  const ttls = Array.from({ length: count }, (_, at) => Math.round(ttlMsMin + ((ttlMsMax - ttlMsMin) * at) / count));
  await Promise.all(ttls.map((ttlMs) => clients.grant(ttlMs, false)));
}

async function untilEnded(clients: LeaseClients): Promise<void> {
  await until(giveUpMs, async () => (clients.areAllEnded ? true : undefined));
}

/** Whether another leads after it. */
async function changeLeader(nodes: readonly StagedNode[], how: (typeof changes)[number]): Promise<boolean> {
  const leader = await leaderOf(nodes);
  const [other] = nodes.filter((node) => node !== leader);
  switch (how) {
    case "kill -9":
      await leader.kill();
      await leader.start();
      break;
    case "transfer":
      await post(`${leader.url}/cluster/transfer`, { to: other?.id });
      break;
    case "SIGSTOP":
      await paused(leader, pauseMs);
      break;
  }
  return (await leaderOf(nodes)) !== leader;
}

/** A follower, and then the leader for less than an election takes. */
async function blink(nodes: readonly StagedNode[]): Promise<void> {
  const leader = await leaderOf(nodes);
  const [follower] = nodes.filter((node) => node !== leader);
  if (follower !== undefined) await paused(follower, pauseMs);
  await paused(leader, blinkMs);
}

async function paused(node: StagedNode, milliseconds: number): Promise<void> {
  node.process.signal("SIGSTOP");
  try {
    await pause(milliseconds);
  } finally {
    node.process.signal("SIGCONT");
  }
}

async function termOf(nodes: readonly StagedNode[]): Promise<number> {
  const views = await Promise.all(nodes.map((node) => node.status()));
  return Math.max(...views.map((view) => view?.term ?? 0));
}

function atMost(what: string, most: number, measured: number): Check {
  return check(what, `<= ${formatMs(most)}`, formatMs(measured), measured <= most);
}

function check(what: string, wanted: string, measured: string, holds: boolean): Check {
  return { what, wanted, measured, holds };
}
