/**
 * @module
 * Notices a cluster whose nodes were all moved at once: none of them knows where any other is.
 */

import { until } from "./stage.ts";

/** One node as it is started now. */
export interface Started {
  readonly id: string;
  readonly httpPort: number;
  readonly raftPort: number;
}

interface KnownAddress {
  readonly httpAddr: string;
  readonly raftAddr: string;
}

const giveUpMs = 60_000;
const askTimeoutMs = 1_000;

/**
 * Resolves with what is wrong and how to mend it once every one of several nodes has said that it is known elsewhere.
 * One that is known where it is would be found by the others, and would tell all; so would a node alone. Null when `over`
 * says that there is nothing to find.
 */
export async function movedAway(nodes: readonly Started[], over: () => boolean): Promise<string | null> {
  if (nodes.length < 2) return null;
  const found = await until(giveUpMs, async () => {
    if (over()) return { known: [] };
    const known = await Promise.all(nodes.map(knownElsewhere));
    return known.every((address) => address !== null) ? { known } : undefined;
  });
  const first = found?.known[0];
  const node = nodes[0];
  if (first === undefined || node === undefined) return null;
  const [httpPort, raftPort] = [portOf(first.httpAddr), portOf(first.raftAddr)];
  return (
    `the nodes know each other at other ports, ${node.id} at ${first.httpAddr} and ${first.raftAddr}, and so none finds ` +
    `another: start them with --http-port ${httpPort} --raft-port ${raftPort}, or one of them at least ` +
    "(balsa serve), and the others will tell it where they are now"
  );
}

/** Null while it has not said, and when it is where it is known. */
async function knownElsewhere({ id, httpPort, raftPort }: Started): Promise<KnownAddress | null> {
  const url = `http://127.0.0.1:${httpPort}/status`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(askTimeoutMs) }).catch(() => null);
  if (answer?.status !== 200) return null;
  const { members } = (await answer.json()) as {
    readonly members?: readonly (KnownAddress & { readonly id: string })[];
  };
  const own = members?.find((member) => member.id === id);
  const isHere = own?.httpAddr === `127.0.0.1:${httpPort}` && own.raftAddr === `127.0.0.1:${raftPort}`;
  return own === undefined || isHere ? null : own;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
