/**
 * @module
 * Every setting of the command line: its name, flag, variable, type, default and help, each said once.
 */

import { defaults } from "../../cluster/defaults.ts";

export type SettingType = "string" | "count" | "bytes" | "boolean" | "list";

export type SettingValue = string | number | boolean | readonly string[];

export interface Setting {
  /** Its name in a config file. */
  readonly name: string;
  /** Without `--`. */
  readonly flag: string;
  readonly env: string;
  readonly type: SettingType;
  /** What the value is called in the help; absent for a boolean. */
  readonly placeholder?: string;
  readonly default?: SettingValue;
  /** Accepted values, where they are few. */
  readonly choices?: readonly string[];
  readonly help: string;
}

const logLevel: Setting = {
  name: "logLevel",
  flag: "log-level",
  env: "BALSA_LOG_LEVEL",
  type: "string",
  placeholder: "level",
  default: "info",
  choices: ["debug", "info", "warn", "error"],
  help: "the least level that is logged",
};

const valueBytesMax: Setting = {
  name: "valueBytesMax",
  flag: "value-bytes-max",
  env: "BALSA_VALUE_BYTES_MAX",
  type: "bytes",
  placeholder: "bytes",
  default: defaults.valueBytesMax,
  help: "the largest value accepted",
};

export const serveSettings: readonly Setting[] = [
  { name: "id", flag: "id", env: "BALSA_ID", type: "string", placeholder: "id", help: "this node's name" },
  {
    name: "http",
    flag: "http",
    env: "BALSA_HTTP",
    type: "string",
    placeholder: "host:port",
    default: "127.0.0.1:8091",
    help: "address for clients",
  },
  {
    name: "raft",
    flag: "raft",
    env: "BALSA_RAFT",
    type: "string",
    placeholder: "host:port",
    default: "127.0.0.1:9091",
    help: "address for other nodes",
  },
  {
    name: "data",
    flag: "data",
    env: "BALSA_DATA",
    type: "string",
    placeholder: "directory",
    help: "this node's own directory; made when it is not there",
  },
  {
    name: "bootstrap",
    flag: "bootstrap",
    env: "BALSA_BOOTSTRAP",
    type: "boolean",
    help: "begin a new cluster on an empty directory",
  },
  {
    name: "join",
    flag: "join",
    env: "BALSA_JOIN",
    type: "string",
    placeholder: "url",
    help: "join the cluster that a member at this URL belongs to",
  },
  {
    name: "learner",
    flag: "learner",
    env: "BALSA_LEARNER",
    type: "boolean",
    help: "with --join: stay a learner, without a vote",
  },
  {
    name: "advertiseHttp",
    flag: "advertise-http",
    env: "BALSA_ADVERTISE_HTTP",
    type: "string",
    placeholder: "host:port",
    help: "address that clients are told, where it differs from --http",
  },
  {
    name: "advertiseRaft",
    flag: "advertise-raft",
    env: "BALSA_ADVERTISE_RAFT",
    type: "string",
    placeholder: "host:port",
    help: "address that other nodes are told, where it differs from --raft",
  },
  {
    name: "insecure",
    flag: "insecure",
    env: "BALSA_INSECURE",
    type: "boolean",
    help: "listen outside loopback although nothing is encrypted and nobody is asked who they are",
  },
  {
    name: "allowedHosts",
    flag: "allowed-host",
    env: "BALSA_ALLOWED_HOSTS",
    type: "list",
    placeholder: "name",
    help: "a Host that requests may name (may be repeated)",
  },
  {
    name: "corsOrigins",
    flag: "cors-origin",
    env: "BALSA_CORS_ORIGINS",
    type: "list",
    placeholder: "origin",
    help: "an origin whose pages may send requests (may be repeated)",
  },
  valueBytesMax,
  {
    name: "historyBytes",
    flag: "history-bytes",
    env: "BALSA_HISTORY_BYTES",
    type: "bytes",
    placeholder: "bytes",
    default: defaults.historyBytesMax,
    help: "the most that superseded versions may take",
  },
  {
    name: "snapshotLogBytes",
    flag: "snapshot-log-bytes",
    env: "BALSA_SNAPSHOT_LOG_BYTES",
    type: "bytes",
    placeholder: "bytes",
    default: defaults.snapshotLogBytes,
    help: "a snapshot is due when the log exceeds this",
  },
  {
    name: "tickMs",
    flag: "tick-ms",
    env: "BALSA_TICK_MS",
    type: "count",
    placeholder: "ms",
    default: defaults.tickMs,
    help: "length of a tick; a leader sends heartbeats every tick",
  },
  {
    name: "electionTimeoutTicks",
    flag: "election-timeout-ticks",
    env: "BALSA_ELECTION_TIMEOUT_TICKS",
    type: "count",
    placeholder: "ticks",
    default: defaults.electionTimeoutTicks,
    help: "an election starts after this many ticks without a leader, to twice as many, at random",
  },
  logLevel,
  {
    name: "logFormat",
    flag: "log-format",
    env: "BALSA_LOG_FORMAT",
    type: "string",
    placeholder: "format",
    choices: ["json", "pretty"],
    help: "json, or pretty; the default is pretty on a terminal",
  },
];

export const clusterSettings: readonly Setting[] = [
  {
    name: "nodes",
    flag: "nodes",
    env: "BALSA_NODES",
    type: "count",
    placeholder: "n",
    default: 3,
    help: "how many nodes, 1 to 9",
  },
  {
    name: "data",
    flag: "data",
    env: "BALSA_DATA",
    type: "string",
    placeholder: "directory",
    default: "./data",
    help: "where each node's directory lies, under its name",
  },
  {
    name: "httpPort",
    flag: "http-port",
    env: "BALSA_HTTP_PORT",
    type: "count",
    placeholder: "port",
    default: 8091,
    help: "the first node's port for clients; the others count up",
  },
  {
    name: "raftPort",
    flag: "raft-port",
    env: "BALSA_RAFT_PORT",
    type: "count",
    placeholder: "port",
    default: 9091,
    help: "the first node's port for other nodes; the others count up",
  },
  logLevel,
];

export const clientSettings: readonly Setting[] = [
  {
    name: "endpoints",
    flag: "endpoints",
    env: "BALSA_ENDPOINTS",
    type: "list",
    placeholder: "urls",
    default: ["http://127.0.0.1:8091", "http://127.0.0.1:8092", "http://127.0.0.1:8093"],
    help: "nodes to ask, separated by commas",
  },
  {
    name: "timeoutMs",
    flag: "timeout-ms",
    env: "BALSA_TIMEOUT_MS",
    type: "count",
    placeholder: "ms",
    default: 5000,
    help: "how long a request may take, at most 60000",
  },
];
