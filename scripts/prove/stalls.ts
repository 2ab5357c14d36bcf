/**
 * @module
 * Experiment: parts of nodes stand still, and whole nodes do, while the others go on.
 */

import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import { type Check, type Experiment, lossChecks } from "./experiment.ts";
import { Load, resumedAfter, verifyOn } from "./load.ts";
import { type LoadReport, now } from "./load-protocol.ts";
import { RegisterWatch } from "./register-watch.ts";

const stallMs = 10_000;
const sharedStallMs = 5_000;
const moveMsMax = 3_000;
const giveUpMs = 15_000;
const pauses = 20;
const pauseMsMin = 500;
const pauseMsMax = 10_000;

export const stalls: Experiment = {
  name: "stalls",
  claim:
    "A leader whose disk stands still gives up leadership within 3 s, and a node that was paused neither lies nor disturbs.",
  does:
    `Three nodes under load; the leader's log stands still for ${formatMs(stallMs)}, then its store; then the logs of all for ` +
    `${formatMs(sharedStallMs)}; then ${pauses} times SIGSTOP of the leader or a follower for ${formatMs(pauseMsMin)} to ${formatMs(pauseMsMax)}, ` +
    "with linearizable reads on every node all the while; then every acknowledged write is read on each node by itself.",
  async run(stage: Stage) {
    const nodes = await stage.cluster(3);
    const load = new Load({
      urls: nodes.map(({ url }) => url),
      writers: 9,
      readers: 0,
      prefix: "stall",
      writePauseMs: 20,
    });
    try {
      return await standStill(nodes, load);
    } finally {
      await load.terminate();
    }
  },
};

async function standStill(nodes: readonly StagedNode[], load: Load): Promise<readonly Check[]> {
  const register = new RegisterWatch(nodes);
  const log = await stallLeader(nodes, "log");
  const store = await stallLeader(nodes, "store");
  const shared = await stallAllLogs(nodes, load);
  const paused: Paused[] = [];
  for (let time = 0; time < pauses; time++) paused.push(await pauseOne(nodes, time));
  const [report, reads] = [await load.stop(), await register.stop()];
  const verdicts = await verifyOn(nodes, load.prefix, report);
  return [
    ...log,
    ...store,
    ...shared,
    ...pauseChecks(paused, report),
    {
      what: "stale linearizable reads",
      wanted: "0",
      measured: `${reads.stale} of ${formatCount(reads.reads)}${reads.example === null ? "" : ` (${reads.example})`}`,
      holds: reads.stale === 0 && reads.reads > 0 && reads.written > 0,
    },
    {
      what: "acknowledged / refused / unknown",
      wanted: "",
      measured: `${formatCount(report.writer.length)} / ${report.refused} / ${report.unknown}`,
      holds: true,
    },
    ...lossChecks(
      verdicts,
      nodes.map((node) => node.id),
    ),
  ];
}

async function stallLeader(nodes: readonly StagedNode[], actor: "log" | "store"): Promise<readonly Check[]> {
  const leader = await leaderOf(nodes);
  const others = nodes.filter((node) => node !== leader);
  const stalledAt = now();
  leader.process.stall(actor, stallMs);
  const moved = await until(giveUpMs, async () => {
    const views = await Promise.all(others.map((node) => node.status()));
    return views.some((view) => view?.role === "leader") ? now() - stalledAt : undefined;
  });
  await pause(Math.max(0, stallMs - (now() - stalledAt)));
  const caughtUp = await caughtUpWith(leader, others);
  return [
    atMost(`the leader's ${actor} stands still: another leads after`, moveMsMax, moved ?? Number.POSITIVE_INFINITY),
    atMost(`the leader's ${actor} goes on: it has caught up after`, giveUpMs, caughtUp),
  ];
}

async function stallAllLogs(nodes: readonly StagedNode[], load: Load): Promise<readonly Check[]> {
  await leaderOf(nodes);
  const before = await newestTerm(nodes);
  const stalledAt = now();
  for (const node of nodes) node.process.stall("log", sharedStallMs);
  await pause(sharedStallMs);
  const resumed = await load.writesAfter(stalledAt + sharedStallMs, giveUpMs);
  await leaderOf(nodes);
  const terms = (await newestTerm(nodes)) - before;
  return [
    { what: "all logs stand still: terms that it took", wanted: "<= 1", measured: String(terms), holds: terms <= 1 },
    {
      what: "all logs go on: writes are acknowledged",
      wanted: "yes",
      measured: resumed ? "yes" : "no",
      holds: resumed,
    },
  ];
}

interface Paused {
  readonly ofLeader: boolean;
  readonly milliseconds: number;
  readonly at: number;
  readonly wokenAt: number;
  /** That passed until all agreed on a leader again. */
  readonly terms: number;
  readonly agreedMs: number;
}

/** By turns the leader and a follower; lengths spread evenly over the logarithm, long and short ones mixed. */
async function pauseOne(nodes: readonly StagedNode[], time: number): Promise<Paused> {
  const leader = await leaderOf(nodes);
  const ofLeader = time % 2 === 0;
  const node = ofLeader ? leader : nodes.find((other) => other !== leader);
  if (node === undefined) throw new Error("nobody follows");
  const share = ((time * 7) % pauses) / (pauses - 1);
  const milliseconds = pauseMsMin * (pauseMsMax / pauseMsMin) ** share;
  const before = await newestTerm(nodes);
  const at = now();
  node.process.signal("SIGSTOP");
  try {
    await pause(milliseconds);
  } finally {
    node.process.signal("SIGCONT");
  }
  const wokenAt = now();
  const term = await until(giveUpMs, async () => {
    const views = await Promise.all(nodes.map((one) => one.status()));
    const [first] = views;
    return views.every((view) => view !== null && view.leaderId !== null && view.term === first?.term)
      ? first?.term
      : undefined;
  });
  const terms = (term ?? Number.POSITIVE_INFINITY) - before;
  return { ofLeader, milliseconds, at, wokenAt, terms, agreedMs: now() - wokenAt };
}

function pauseChecks(paused: readonly Paused[], report: LoadReport): readonly Check[] {
  const ofLeader = paused.filter((one) => one.ofLeader);
  const ofFollower = paused.filter((one) => !one.ofLeader);
  const gaps = (of: readonly Paused[]): number => Math.max(...of.map(({ at }) => resumedAfter(at, report)));
  const most = (of: readonly Paused[]): number => Math.max(...of.map(({ terms }) => terms));
  const lengths = paused.map(({ milliseconds }) => milliseconds);
  const range = `${formatMs(Math.min(...lengths))} to ${formatMs(Math.max(...lengths))}`;
  return [
    { what: "pauses", wanted: String(pauses), measured: `${paused.length}, ${range}`, holds: paused.length === pauses },
    atMost("the leader paused: writes again after, longest", moveMsMax, gaps(ofLeader)),
    atMost("a follower paused: writes again after, longest", moveMsMax, gaps(ofFollower)),
    termsAtMost("the leader paused: terms that it took, most", 2, most(ofLeader)),
    termsAtMost("a follower paused: terms that it took, most", 1, most(ofFollower)),
    atMost(
      "awake again: all agree on a leader after, longest",
      moveMsMax,
      Math.max(...paused.map((one) => one.agreedMs)),
    ),
  ];
}

/** Until it has applied what the others had committed when asked. */
async function caughtUpWith(node: StagedNode, others: readonly StagedNode[]): Promise<number> {
  const startedAt = now();
  const views = await Promise.all(others.map((other) => other.status()));
  const committed = Math.max(...views.map((view) => view?.commitIndex ?? 0));
  const done = await until(giveUpMs, async () => {
    const view = await node.status();
    return view !== null && view.appliedIndex >= committed ? true : undefined;
  });
  return done === undefined ? Number.POSITIVE_INFINITY : now() - startedAt;
}

async function newestTerm(nodes: readonly StagedNode[]): Promise<number> {
  const views = await Promise.all(nodes.map((node) => node.status()));
  return Math.max(...views.map((view) => view?.term ?? 0));
}

function atMost(what: string, most: number, measured: number): Check {
  return { what, wanted: `<= ${formatMs(most)}`, measured: formatMs(measured), holds: measured <= most };
}

function termsAtMost(what: string, most: number, measured: number): Check {
  return { what, wanted: `<= ${most}`, measured: String(measured), holds: measured <= most };
}
