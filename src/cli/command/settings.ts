/**
 * @module
 * Every setting of the command line: its name, type, default and help, each said once.
 */

import { defaults } from "../../cluster/defaults.ts";
import type { Setting } from "./setting.ts";

const logLevel: Setting = {
  name: "log-level",
  type: "string",
  placeholder: "level",
  default: "info",
  choices: ["debug", "info", "warn", "error"],
  help: "the least level that is logged",
};

const logFormat: Setting = {
  name: "log-format",
  type: "string",
  placeholder: "format",
  defaultText: "pretty on a terminal, else json",
  choices: ["json", "pretty"],
  help: "one JSON object a line, or lines for people",
};

const leaseReads: Setting = {
  name: "lease-reads",
  type: "boolean",
  help: "answer level=lease by the leader's clock alone; for all nodes of a cluster or none",
};

export const serveSettings: readonly Setting[] = [
  { name: "id", type: "string", placeholder: "id", help: "this node's name" },
  {
    name: "http",
    type: "string",
    placeholder: "host:port",
    default: "127.0.0.1:8091",
    help: "address for clients",
  },
  {
    name: "raft",
    type: "string",
    placeholder: "host:port",
    default: "127.0.0.1:9091",
    help: "address for other nodes",
  },
  {
    name: "data",
    type: "string",
    placeholder: "directory",
    help: "this node's own directory; made when it is not there",
  },
  {
    name: "bootstrap",
    type: "boolean",
    help: "begin a new cluster on an empty directory",
  },
  {
    name: "join",
    type: "string",
    placeholder: "url",
    help: "join the cluster that a member at this URL belongs to",
  },
  {
    name: "learner",
    type: "boolean",
    help: "with --join: stay a learner, without a vote",
  },
  {
    name: "peer",
    type: "list",
    placeholder: "url",
    help: "another node: asked before --bootstrap begins a second cluster beside one it knows, and found there when all have moved (may be repeated)",
  },
  {
    name: "advertise-http",
    type: "string",
    placeholder: "host:port",
    help: "address that clients are told, where it differs from --http",
  },
  {
    name: "advertise-raft",
    type: "string",
    placeholder: "host:port",
    help: "address that other nodes are told, where it differs from --raft",
  },
  {
    name: "insecure",
    type: "boolean",
    help: "listen outside loopback although nothing is encrypted and nobody is asked who they are",
  },
  {
    name: "allowed-host",
    type: "list",
    placeholder: "name",
    help: "a Host that requests may name (may be repeated)",
  },
  {
    name: "cors-origin",
    type: "list",
    placeholder: "origin",
    help: "an origin whose pages may send requests (may be repeated)",
  },
  {
    name: "value-bytes-max",
    type: "bytes",
    placeholder: "bytes",
    default: defaults.valueBytesMax,
    help: "the largest value accepted",
  },
  {
    name: "history-bytes",
    type: "bytes",
    placeholder: "bytes",
    default: defaults.historyBytesMax,
    help: "the most that superseded versions may take",
  },
  {
    name: "snapshot-log-bytes",
    type: "bytes",
    placeholder: "bytes",
    default: defaults.snapshotLogBytes,
    help: "a snapshot is due when the log exceeds this",
  },
  {
    name: "tick-ms",
    type: "count",
    placeholder: "ms",
    default: defaults.tickMs,
    help: "length of a tick; a leader sends heartbeats every tick",
  },
  {
    name: "election-timeout-ticks",
    type: "count",
    placeholder: "ticks",
    default: defaults.electionTimeoutTicks,
    help: "an election starts after this many ticks without a leader, to twice as many, at random",
  },
  leaseReads,
  logLevel,
  logFormat,
  {
    name: "slow-request",
    type: "duration",
    placeholder: "time",
    default: defaults.slowRequestMs,
    help: "requests that take so long are logged with the time of each stage; 0 logs none",
  },
];

export const clusterSettings: readonly Setting[] = [
  {
    name: "nodes",
    type: "count",
    placeholder: "n",
    default: 3,
    help: "how many nodes, 1 to 9",
  },
  {
    name: "data",
    type: "string",
    placeholder: "directory",
    default: "./data",
    help: "where each node's directory lies, under its name",
  },
  {
    name: "http-port",
    type: "count",
    placeholder: "port",
    default: 8091,
    help: "the first node's port for clients; the others count up",
  },
  {
    name: "raft-port",
    type: "count",
    placeholder: "port",
    default: 9091,
    help: "the first node's port for other nodes; the others count up",
  },
  leaseReads,
  logLevel,
  logFormat,
];

export const clientSettings: readonly Setting[] = [
  {
    name: "endpoints",
    type: "list",
    placeholder: "urls",
    default: ["http://127.0.0.1:8091", "http://127.0.0.1:8092", "http://127.0.0.1:8093"],
    help: "nodes to ask, separated by commas",
  },
  {
    name: "timeout-ms",
    type: "count",
    placeholder: "ms",
    default: 5000,
    help: "how long a request may take, at most 60000",
  },
];

/** One file may hold settings of several commands, and each command takes its own. */
export const everySetting: readonly Setting[] = [...serveSettings, ...clusterSettings, ...clientSettings];
