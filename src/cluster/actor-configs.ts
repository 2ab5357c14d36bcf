/**
 * @module
 * From what an operator chose to what each actor is started with.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ActorName } from "../actor/context.ts";
import type {
  Addresses,
  Identity,
  IngressConfig,
  LogConfig,
  RaftConfig,
  StoreConfig,
} from "../actors/protocol/config.ts";
import type { Beginning, DataDirectory } from "../storage/data-directory.ts";
import { defaults, nodeLimits, raftOptions } from "./defaults.ts";
import type { NodeOptions } from "./options.ts";

export interface NodeMakings {
  readonly options: NodeOptions;
  readonly addresses: Addresses;
  readonly directory: DataDirectory;
  readonly identity: Identity;
  readonly begin: Beginning;
  readonly origin: number;
  readonly seed: number;
}

const here = import.meta.url;
const extension = here.endsWith(".ts") ? ".ts" : ".js";

export function actorsOf(makings: NodeMakings): Record<ActorName, { readonly entry: URL; readonly config: unknown }> {
  return {
    log: { entry: entryOf("log"), config: logConfig(makings) },
    store: { entry: entryOf("store"), config: storeConfig(makings) },
    raft: { entry: entryOf("raft"), config: raftConfig(makings) },
    ingress: { entry: entryOf("ingress"), config: ingressConfig(makings) },
  };
}

function entryOf(name: ActorName): URL {
  return new URL(`../../workers/${name}${extension}`, here);
}

function logConfig({ identity, directory }: NodeMakings): LogConfig {
  return { identity, directory: directory.logDirectory, watermarkFile: directory.watermarkFile };
}

function storeConfig({ identity, directory, origin, options }: NodeMakings): StoreConfig {
  return {
    identity,
    stateDirectory: directory.stateDirectory,
    snapshotDirectory: directory.snapshotDirectory,
    origin,
    historyBytesMax: options.historyBytesMax,
  };
}

function raftConfig({ identity, begin, addresses, options, seed }: NodeMakings): RaftConfig {
  return {
    identity,
    addresses,
    options: raftOptions(identity.nodeId, seed, options),
    bootstrap: begin.kind === "bootstrap",
    snapshotLogBytes: options.snapshotLogBytes,
    peerQueueBytesMax: nodeLimits.peerQueueBytesMax,
    frameBytesMax: nodeLimits.frameBytesMax,
  };
}

function ingressConfig({ identity, addresses, options, origin }: NodeMakings): IngressConfig {
  return {
    identity,
    addresses,
    origin,
    version: packageVersion(),
    startedAtMs: Date.now(),
    keyBytesMax: nodeLimits.keyBytesMax,
    valueBytesMax: options.valueBytesMax,
    bodyBytesMax: Math.max(options.valueBytesMax, defaults.valueBytesMax) * 2,
    headerBytesMax: nodeLimits.headerBytesMax,
    connectionsMax: nodeLimits.connectionsMax,
    pendingRequestsMax: nodeLimits.pendingRequestsMax,
    proposalsInFlightMax: nodeLimits.proposalsInFlightMax,
    allowedHosts: options.allowedHosts,
    corsOrigins: options.corsOrigins,
    defaultTimeoutMs: nodeLimits.defaultTimeoutMs,
    slowRequestMs: options.slowRequestMs,
    leaseReads: options.leaseReads,
  };
}

function packageVersion(): string {
  const root = new URL(extension === ".ts" ? "../../" : "../../../", here).pathname;
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}
