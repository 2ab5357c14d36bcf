/**
 * @module
 * Who this node is: read from its directory, or decided now and written there before anything else.
 */

import { randomBytes } from "node:crypto";
import { StartError } from "../errors/balsa-error.ts";
import {
  type Beginning,
  type DataDirectory,
  type DirectoryIdentity,
  newIncarnation,
  writeIdentity,
} from "../storage/data-directory.ts";
import { clusterIdAt, refuseSecondCluster } from "./join.ts";
import type { NodeOptions } from "./options.ts";

/**
 * An empty directory never begins a cluster by itself: a wiped disk would start a second one beside the
 * first. Throws a StartError that says what to do.
 */
export async function identify(directory: DataDirectory, options: NodeOptions): Promise<DirectoryIdentity> {
  if (directory.identity !== null) return directory.identity;
  const begin = beginningOf(options);
  if (begin.kind === "bootstrap") await refuseSecondCluster(options.id, knownUrls(options));
  const clusterId = begin.kind === "bootstrap" ? randomBytes(16).toString("hex") : await clusterIdAt(begin.url);
  const identity = { nodeId: options.id, clusterId, incarnation: newIncarnation(), begin };
  await writeIdentity(directory, identity);
  return identity;
}

/** Where a cluster may be known: peers, and the address that others are told, where nobody of this node listens yet. */
function knownUrls({ peers = [], advertiseHttp }: NodeOptions): readonly string[] {
  return advertiseHttp === undefined ? peers : [...peers, `http://${advertiseHttp}`];
}

function beginningOf({ begin, data }: NodeOptions): Beginning {
  switch (begin.kind) {
    case "bootstrap":
      return begin;
    case "join":
      return { ...begin, url: begin.url.replace(/\/+$/, "") };
    case "continue":
      throw new StartError(
        `${data} is empty, and this node was not told how to begin: say --bootstrap to start a new cluster with this ` +
          "node alone, or --join http://127.0.0.1:8091 to become a member of the one that answers there",
      );
  }
}
