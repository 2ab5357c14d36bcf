/**
 * @module
 * `balsa cluster`: reads its settings and hands over to the launcher.
 */

import { launch } from "../../../scripts/launcher.ts";
import { configPathOf, readSettings } from "./config-file.ts";
import { type Flags, UsageError } from "./resolve.ts";
import { clusterSettings } from "./settings.ts";

const nodesMax = 9;

export async function cluster(flags: Flags): Promise<number> {
  const settings = readSettings(clusterSettings, flags);
  const nodes = settings.count("nodes");
  const httpPort = settings.count("http-port");
  const raftPort = settings.count("raft-port");
  if (nodes < 1 || nodes > nodesMax) throw new UsageError(`--nodes: ${nodes} is not between 1 and ${nodesMax}`);
  requirePorts("--http-port", httpPort, nodes);
  requirePorts("--raft-port", raftPort, nodes);
  if (Math.abs(httpPort - raftPort) < nodes) {
    throw new UsageError(`--http-port ${httpPort} and --raft-port ${raftPort} are less than ${nodes} apart`);
  }
  return await launch({
    nodes,
    httpPort,
    raftPort,
    data: settings.text("data") ?? "./data",
    leaseReads: settings.switch("lease-reads"),
    logLevel: settings.text("log-level") ?? "info",
    logFormat: settings.text("log-format") ?? (process.stderr.isTTY ? "pretty" : "json"),
    config: configPathOf(flags),
  });
}

function requirePorts(flag: string, first: number, count: number): void {
  const last = first + count - 1;
  if (first < 1 || last > 65_535) throw new UsageError(`${flag}: ${first} to ${last} are not all ports (1 to 65535)`);
}
