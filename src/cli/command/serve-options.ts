/**
 * @module
 * What `balsa serve` makes of its settings, and what it refuses before anything is started.
 */

import { readdirSync } from "node:fs";
import { parseAddress } from "../../address/address.ts";
import { isLoopback } from "../../address/loopback.ts";
import { isNodeId } from "../../address/node-id.ts";
import { isUnspecified } from "../../address/unspecified.ts";
import { nodeLimits } from "../../cluster/defaults.ts";
import type { Begin, LogLine, NodeOptions } from "../../cluster/options.ts";
import { type Settings, UsageError } from "./resolve.ts";
import type { Setting } from "./setting.ts";
import { serveSettings } from "./settings.ts";

/** The node's options, complete. Throws a UsageError that says what to mend. */
export function nodeOptionsOf(settings: Settings, log: (line: LogLine) => void): NodeOptions {
  const id = requiredId(settings);
  const data = settings.requiredText(settingNamed("data"));
  const begin = beginOf(settings, data);
  const insecure = settings.switch("insecure");
  const advertiseHttp = addressOf(settings, "advertise-http");
  const advertiseRaft = addressOf(settings, "advertise-raft");
  const http = listenAddressOf(settings, "http", insecure);
  const raft = listenAddressOf(settings, "raft", insecure);
  requireApart("--http and --raft", http, raft);
  requireReachable("http", http, advertiseHttp);
  requireReachable("raft", raft, advertiseRaft);
  requireApart("--advertise-http and --advertise-raft", advertiseHttp ?? http, advertiseRaft ?? raft);
  return {
    id,
    http,
    raft,
    data,
    begin,
    peers: settings.list("peer").map((url) => urlOf("--peer", url)),
    ...(advertiseHttp === undefined ? {} : { advertiseHttp }),
    ...(advertiseRaft === undefined ? {} : { advertiseRaft }),
    insecure,
    allowedHosts: settings.list("allowed-host"),
    corsOrigins: settings.list("cors-origin"),
    valueBytesMax: countWithin(settings, "value-bytes-max", 1, nodeLimits.valueBytesMaxMax),
    tickMs: countWithin(settings, "tick-ms", nodeLimits.tickMsMin, nodeLimits.tickMsMax),
    electionTimeoutTicks: countWithin(
      settings,
      "election-timeout-ticks",
      nodeLimits.electionTimeoutTicksMin,
      nodeLimits.electionTimeoutTicksMax,
    ),
    leaseReads: settings.switch("lease-reads"),
    historyBytesMax: countWithin(settings, "history-bytes", 0, Number.MAX_SAFE_INTEGER),
    snapshotLogBytes: countWithin(settings, "snapshot-log-bytes", 64 * 1024, Number.MAX_SAFE_INTEGER),
    slowRequestMs: settings.count("slow-request"),
    log,
  };
}

function settingNamed(name: string): Setting {
  const setting = serveSettings.find((candidate) => candidate.name === name);
  if (setting === undefined) throw new RangeError(`there is no setting ${name}`);
  return setting;
}

function requiredId(settings: Settings): string {
  const id = settings.requiredText(settingNamed("id"));
  if (isNodeId(id)) return id;
  throw new UsageError(`--id: ${JSON.stringify(id)} is not 1 to 64 letters, digits, dots, dashes or underscores`);
}

function addressOf(settings: Settings, name: string): string | undefined {
  const text = settings.text(name);
  if (text === undefined || parseAddress(text) !== null) return text;
  throw new UsageError(`--${name}: ${JSON.stringify(text)} is not host:port (as 127.0.0.1:8091 or [::1]:8091)`);
}

function listenAddressOf(settings: Settings, name: string, insecure: boolean): string {
  const text = addressOf(settings, name);
  const address = text === undefined ? null : parseAddress(text);
  if (text === undefined || address === null) throw new UsageError(`--${name} is required`);
  if (insecure || isLoopback(address.host)) return text;
  throw new UsageError(
    `--${name} ${text} is outside loopback, where nothing is encrypted and nobody is asked who they are; ` +
      "use an address of 127.0.0.0/8, ::1 or localhost, or say with --insecure that this is meant",
  );
}

/** What others are told must be something that they can dial. */
function requireReachable(name: "http" | "raft", listen: string, advertised: string | undefined): void {
  const told = parseAddress(advertised ?? listen);
  if (told === null || !isUnspecified(told.host)) return;
  const where = advertised === undefined ? `--${name} ${listen}` : `--advertise-${name} ${advertised}`;
  throw new UsageError(
    `${where} means every address of this machine and is none that others could dial; ` +
      `say where they reach this node with --advertise-${name} host:port`,
  );
}

/** Port 0 is another one each time. */
function requireApart(flags: string, a: string, b: string): void {
  const [one, other] = [parseAddress(a), parseAddress(b)];
  if (one === null || other === null || one.port === 0) return;
  if (one.host === other.host && one.port === other.port) throw new UsageError(`${flags} are the same address, ${a}`);
}

function beginOf(settings: Settings, data: string): Begin {
  const url = settings.text("join");
  const learner = settings.switch("learner");
  if (settings.switch("bootstrap") && url !== undefined) {
    throw new UsageError("--bootstrap and --join exclude each other: a node begins a cluster or joins one");
  }
  if (learner && url === undefined) throw new UsageError("--learner goes with --join");
  if (url !== undefined) return { kind: "join", url: urlOf("--join", url), learner };
  if (settings.switch("bootstrap")) return { kind: "bootstrap" };
  if (!isFresh(data)) return { kind: "continue" };
  throw new UsageError(
    `${data} is empty, and a node does not decide by itself how to begin: give --bootstrap to begin a new ` +
      "cluster, or --join http://127.0.0.1:8091 (the HTTP address of any member) to join one",
  );
}

/** Without its path, so that routes can be appended. */
function urlOf(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a URL as http://127.0.0.1:8091`);
}

/** Whether the directory does not exist or holds nothing; one that cannot be read is left to the node to explain. */
function isFresh(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  }
}

function countWithin(settings: Settings, name: string, least: number, most: number): number {
  const count = settings.count(name);
  if (count >= least && count <= most) return count;
  throw new UsageError(`--${name}: ${count} is not between ${least} and ${most}`);
}
