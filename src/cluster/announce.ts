/**
 * @module
 * How a node that is started at other addresses than its cluster knows tells the cluster so, and finds the others when
 * all of them are.
 */

import { setTimeout } from "node:timers/promises";
import type { PeerPlace } from "../actor/context.ts";
import { exchangeJson, type JsonAnswer } from "./http-exchange.ts";
import type { LogLine } from "./options.ts";

const pollMs = 200;
const retryMs = 500;
const askTimeoutMs = 2_000;
/** Without a leader for so long, somebody has to help. */
const patienceMs = 5_000;

export interface Whereabouts {
  readonly id: string;
  readonly httpAddr: string;
  readonly raftAddr: string;
  readonly incarnation: string;
}

export interface Surroundings {
  readonly clusterId: string;
  /** This node's own. */
  readonly ownUrl: string;
  /** URLs that nodes may be found at now, wherever the cluster knows them. */
  readonly peerUrls: readonly string[];
  /** Dials peers where they are. */
  readonly expectPeers: (places: readonly PeerPlace[]) => Promise<void>;
  readonly signal: AbortSignal;
  readonly say: Say;
}

type Say = (level: LogLine["level"], message: string) => void;

interface Member {
  readonly id: string;
  readonly httpAddr: string;
  readonly raftAddr: string;
}

/**
 * Sees that the cluster knows where this node is: asks this node itself, then every other member that it knows, until
 * one of them has made the change, the cluster refuses it for good, or `signal` aborts. Never rejects.
 *
 * When all members have moved, none finds another, and there is no leader to make the change. So peers whose URLs this
 * node was given are asked where they are, and dialled there: as soon as a majority hears each other, it elects.
 *
 * What this node has applied may be older than what it told the cluster before it ended, so it believes that all is
 * well only once it has caught up.
 */
export async function announce(here: Whereabouts, surroundings: Surroundings): Promise<void> {
  const { ownUrl, signal, say } = surroundings;
  const startedAt = performance.now();
  let isCaughtUp = false;
  let said = "";
  while (!signal.aborted) {
    const members = await membersKnownAt(ownUrl, signal);
    const own = members.find(({ id }) => id === here.id);
    if (own !== undefined && (own.httpAddr !== here.httpAddr || own.raftAddr !== here.raftAddr)) {
      await expectThem(members, here.id, surroundings);
      const others = members.filter(({ id }) => id !== here.id).map(({ httpAddr }) => `http://${httpAddr}`);
      const why = await tryAll([ownUrl, ...others], here, signal, say);
      if (why === null || signal.aborted) return;
      if (performance.now() - startedAt >= patienceMs && said !== why) {
        say("error", `${why}. Run: ${command(here)} --endpoints http://HOST:PORT-OF-A-MEMBER`);
        said = why;
      }
    } else if (isCaughtUp) {
      return;
    }
    isCaughtUp = await isReady(ownUrl, signal);
    await pause(retryMs, signal);
  }
}

/** Has peers dialled that say, at the URLs given, that they are elsewhere than the membership has them. */
async function expectThem(members: readonly Member[], ownId: string, surroundings: Surroundings): Promise<void> {
  const { clusterId, peerUrls, expectPeers, signal } = surroundings;
  const asked = peerUrls.map((url) => {
    return exchangeJson("GET", `${url}/status`, undefined, { timeoutMs: askTimeoutMs, signal });
  });
  const places: PeerPlace[] = [];
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === "rejected" || answer.value.body["clusterId"] !== clusterId) continue;
    const { id, raftAddr } = answer.value.body;
    const known = members.find((member) => member.id === id);
    if (known === undefined || known.id === ownId || typeof raftAddr !== "string") continue;
    if (raftAddr !== known.raftAddr) places.push({ id: known.id, raftAddr });
  }
  if (places.length > 0) await expectPeers(places);
}

async function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  const asked = exchangeJson("GET", `${url}/readyz`, undefined, { timeoutMs: askTimeoutMs, signal });
  return (await asked.catch(() => null))?.status === 200;
}

/** Null when there is no more to do; otherwise why not yet. */
async function tryAll(
  urls: readonly string[],
  here: Whereabouts,
  signal: AbortSignal,
  say: Say,
): Promise<string | null> {
  const { id, httpAddr, raftAddr, incarnation } = here;
  const failures: string[] = [];
  for (const url of urls) {
    const asked = exchangeJson(
      "PATCH",
      `${url}/cluster/members/${id}`,
      { httpAddr, raftAddr, incarnation },
      { timeoutMs: askTimeoutMs, signal },
    );
    const answer = await asked.catch((cause: Error): string => cause.message);
    if (typeof answer === "object" && answer.status === 200) {
      say("info", `told the cluster through ${url} that this node is at ${httpAddr} / ${raftAddr} now`);
      return null;
    }
    if (typeof answer === "object" && answer.status < 500) {
      say("error", `the cluster does not take ${httpAddr} / ${raftAddr} for ${id}: ${detailOf(answer)}`);
      return null;
    }
    failures.push(`${url}: ${typeof answer === "string" ? answer : detailOf(answer)}`);
  }
  return `could not tell the cluster that ${id} is at ${httpAddr} / ${raftAddr} now (${failures.join("; ")})`;
}

function command({ id, httpAddr, raftAddr }: Whereabouts): string {
  return `balsa member update ${id} --http ${httpAddr} --raft ${raftAddr}`;
}

/** As the node has them applied; none when it ends before it knows any. */
async function membersKnownAt(url: string, signal: AbortSignal): Promise<readonly Member[]> {
  while (!signal.aborted) {
    const answer = await exchangeJson("GET", `${url}/status`, undefined, { timeoutMs: askTimeoutMs, signal }).catch(
      () => null,
    );
    const members = answer?.body["members"];
    if (Array.isArray(members) && members.length > 0) return members.filter(isMember);
    await pause(pollMs, signal);
  }
  return [];
}

function isMember(value: unknown): value is Member {
  if (typeof value !== "object" || value === null) return false;
  const { id, httpAddr, raftAddr } = value as Readonly<Record<string, unknown>>;
  return typeof id === "string" && typeof httpAddr === "string" && typeof raftAddr === "string";
}

function detailOf({ status, body }: JsonAnswer): string {
  return typeof body["detail"] === "string" ? body["detail"] : `status ${status}`;
}

/** Ends early when `signal` aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
}
