/**
 * @module
 * A network between staged nodes whose links can be cut: by packet filters between network namespaces where root
 * may make them, through TCP proxies elsewhere.
 */

import { execFileSync } from "node:child_process";
import type { Site, Stage, StagedNode } from "../stage.ts";
import { type Direction, PeerNetwork } from "./peer-network.ts";

export interface Network {
  readonly how: string;
  /** `count` nodes of one cluster on this network, all ready. */
  cluster(stage: Stage, count: number): Promise<readonly StagedNode[]>;
  /** In force when it returns. Everything else passes. */
  cut(links: readonly Direction[]): void;
  heal(): void;
  close(): Promise<void>;
}

/** Both directions between each of `some` and each of `others`. */
export function between(some: readonly string[], others: readonly string[]): Direction[] {
  return some.flatMap((one) =>
    others.flatMap((other) => [
      { from: one, to: other },
      { from: other, to: one },
    ]),
  );
}

export class ProxyNetwork implements Network {
  readonly how = "TCP proxies";
  readonly #network = new PeerNetwork();

  async cluster(stage: Stage, count: number): Promise<readonly StagedNode[]> {
    return await stage.cluster(count, (id, port) => this.#network.before(id, port));
  }

  cut(links: readonly Direction[]): void {
    this.#network.cut(links);
  }

  heal(): void {
    this.#network.heal("resume");
  }

  async close(): Promise<void> {
    await this.#network.close();
  }
}

const subnet = "10.99.0";
/** Each node has a network of its own, so all may have the same. */
const [httpPort, raftPort] = [8_080, 9_090];

/**
 * A namespace a node, all on one bridge; a cut link drops the packets of one at the other's door. Everything is made
 * inside the calling process's own namespaces, for which see `in-namespaces.ts`, and is gone with them.
 */
export class NamespaceNetwork implements Network {
  readonly how = "network namespaces and nftables";
  readonly #hosts = new Map<string, string>();

  constructor() {
    run("mount", "-t", "tmpfs", "tmpfs", "/run");
    run("ip", "link", "set", "lo", "up");
    run("ip", "link", "add", "bridge0", "type", "bridge");
    run("ip", "address", "add", `${subnet}.254/24`, "dev", "bridge0");
    run("ip", "link", "set", "bridge0", "up");
  }

  async cluster(stage: Stage, count: number): Promise<readonly StagedNode[]> {
    return await stage.clusterAt(Array.from({ length: count }, (_, at) => this.#site(`n${at + 1}`)));
  }

  cut(links: readonly Direction[]): void {
    this.heal();
    for (const { from, to } of links) {
      run("ip", "netns", "exec", to, "nft", `add rule inet balsa door ip saddr ${this.#hosts.get(from)} drop`);
    }
  }

  heal(): void {
    for (const id of this.#hosts.keys()) run("ip", "netns", "exec", id, "nft", "flush chain inet balsa door");
  }

  async close(): Promise<void> {
    // The namespaces go with the process.
  }

  #site(id: string): Site {
    const host = `${subnet}.${this.#hosts.size + 1}`;
    this.#hosts.set(id, host);
    run("ip", "netns", "add", id);
    run("ip", "link", "add", `to-${id}`, "type", "veth", "peer", "name", "eth0", "netns", id);
    run("ip", "link", "set", `to-${id}`, "master", "bridge0", "up");
    run("ip", "-n", id, "address", "add", `${host}/24`, "dev", "eth0");
    for (const device of ["lo", "eth0"]) run("ip", "-n", id, "link", "set", device, "up");
    const within = ["ip", "netns", "exec", id];
    run(...within, "nft", "add table inet balsa");
    run(...within, "nft", "add chain inet balsa door { type filter hook input priority 0; }");
    return { id, http: `${host}:${httpPort}`, raft: `${host}:${raftPort}`, args: ["--insecure"], within };
  }
}

/** Can this process make namespaces, bridges and filters? */
export function canMakeNamespaces(): boolean {
  try {
    const probe =
      "ip link add bridge0 type bridge && ip link add veth0 type veth peer name veth1 && nft add table inet t && mount -t tmpfs t /run";
    execFileSync("unshare", ["--net", "--mount", "sh", "-c", probe], { stdio: "ignore" });
    return true;
  } catch {
    return false; // Not root, or one of the tools is missing: proxies do as well.
  }
}

function run(...command: readonly string[]): void {
  const [program = "", ...args] = command;
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}
