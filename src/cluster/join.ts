/**
 * @module
 * How a new node becomes a member: it learns the cluster's id from the node it was pointed at, then asks to join
 * until it is told that it has.
 */

import { StartError } from "../errors/balsa-error.ts";
import { exchangeJson } from "./http-exchange.ts";

const retryMs = 200;
const joinTimeoutMs = 60_000;
const statusTimeoutMs = 5_000;
/** A peer that is down must not keep a new cluster waiting. */
const peerTimeoutMs = 2_000;

export interface JoinRequest {
  readonly id: string;
  readonly httpAddr: string;
  readonly raftAddr: string;
  readonly incarnation: string;
  readonly role: "voter" | "learner";
}

/** The id of the cluster that answers at `url`. Throws a StartError when there is none. */
export async function clusterIdAt(url: string): Promise<string> {
  const status = await exchangeJson("GET", `${url}/status`, undefined, { timeoutMs: statusTimeoutMs }).catch(
    (cause: Error) => {
      throw new StartError(`nobody answers at ${url}, which this node was told to join: ${cause.message}`, { cause });
    },
  );
  const clusterId = status.body["clusterId"];
  if (status.status !== 200 || typeof clusterId !== "string") {
    throw new StartError(`what answers at ${url} is not a node of a Balsa cluster (status ${status.status})`);
  }
  return clusterId;
}

/**
 * Sees that no cluster is begun beside one that is known at one of these URLs. Who does not answer is taken for not begun yet.
 * Throws a StartError with the words how to become, or to replace, a member of that cluster.
 */
export async function refuseSecondCluster(id: string, urls: readonly string[]): Promise<void> {
  const asked = urls.map(async (url) => {
    const status = await exchangeJson("GET", `${url}/status`, undefined, { timeoutMs: peerTimeoutMs });
    return { url, clusterId: status.body["clusterId"], members: status.body["members"] };
  });
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === "rejected" || typeof answer.value.clusterId !== "string") continue;
    const { url, clusterId, members } = answer.value;
    const known = `${url} belongs to cluster ${clusterId}, and --bootstrap would begin a second one beside it: `;
    const knowsId = Array.isArray(members) && members.some((member: unknown) => idOf(member) === id);
    throw new StartError(
      knowsId
        ? `${known}${id} is a member there. Give it its old directory; or, when that is lost for good, start it with ` +
            `--join ${url}, and run: balsa member replace ${id}`
        : `${known}say --join ${url} to become a member`,
    );
  }
}

function idOf(member: unknown): unknown {
  return typeof member === "object" && member !== null && "id" in member ? member.id : undefined;
}

/**
 * Asks the node at `url` to be taken in, again while the cluster is busy or out of reach, until it is done or
 * `signal` aborts. Throws a StartError when the cluster refuses for good.
 */
export async function join(
  url: string,
  request: JoinRequest,
  signal: AbortSignal,
  log: (why: string) => void,
): Promise<void> {
  let lastWhy = "";
  while (!signal.aborted) {
    const why = await tryToJoin(url, request, signal);
    if (why === null) return;
    if (why !== lastWhy && !signal.aborted) log(why);
    lastWhy = why;
    await new Promise((resolve) => {
      setTimeout(resolve, retryMs);
    });
  }
}

/** Null when joined; otherwise why not yet. */
async function tryToJoin(url: string, request: JoinRequest, signal: AbortSignal): Promise<string | null> {
  try {
    const { status, body } = await exchangeJson("POST", `${url}/join`, request, { timeoutMs: joinTimeoutMs, signal });
    if (status === 200) return null;
    const detail = typeof body["detail"] === "string" ? body["detail"] : `status ${status}`;
    if (status < 500 && body["code"] !== "CONFIG_CHANGE_PENDING")
      throw new StartError(`${url} refuses this node: ${detail}`);
    return detail;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    return cause instanceof Error ? cause.message : String(cause);
  }
}
