/**
 * @module
 * A node's links on real loopback sockets, whose callbacks become events that a test waits for.
 */

import type { Address } from "../../src/address/address.ts";
import type { NodeId } from "../../src/raft/types.ts";
import type { Refusal } from "../../src/transport/hello.ts";
import type { LinkLimits } from "../../src/transport/limits.ts";
import { Links } from "../../src/transport/links.ts";
import type { PeerMessage } from "../../src/transport/message-parser.ts";
import type { SnapshotAck } from "../../src/transport/snapshot-frame.ts";

export type LinkEvent =
  | { readonly kind: "messages"; readonly from: NodeId; readonly messages: readonly PeerMessage[] }
  | { readonly kind: "disconnected" | "unreachable"; readonly peer: NodeId }
  | { readonly kind: "refused"; readonly peer: NodeId; readonly refusal: Refusal }
  | { readonly kind: "log"; readonly level: string; readonly message: string };

export interface TestNodeOptions {
  readonly clusterId?: string;
  readonly incarnation?: string;
  readonly limits?: Partial<LinkLimits>;
  readonly voteHoldMs?: number;
  readonly expectedIncarnation?: (nodeId: NodeId) => string | undefined;
  readonly refuse?: (nodeId: NodeId) => string | undefined;
  readonly onSnapshotChunk?: (offset: number, bytes: Uint8Array, last: boolean) => Promise<SnapshotAck>;
}

export class TestNode {
  readonly id: NodeId;
  readonly links: Links;
  readonly events: LinkEvent[] = [];
  port = 0;
  #listeners: (() => void)[] = [];

  constructor(id: NodeId, options: TestNodeOptions = {}) {
    this.id = id;
    const record = (event: LinkEvent): void => {
      this.events.push(event);
      const listeners = this.#listeners;
      this.#listeners = [];
      for (const listener of listeners) listener();
    };
    const { clusterId = "c1", incarnation = `inc-${id}` } = options;
    this.links = new Links(
      { nodeId: id, clusterId, incarnation, raftAddr: "", voteHoldMs: options.voteHoldMs ?? 0 },
      {
        onMessages: (from, messages) => record({ kind: "messages", from, messages }),
        onDisconnected: (peer) => record({ kind: "disconnected", peer }),
        onUnreachable: (peer) => record({ kind: "unreachable", peer }),
        onRefused: (peer, refusal) => record({ kind: "refused", peer, refusal }),
        onLog: (level, message) => record({ kind: "log", level, message }),
        expectedIncarnation: options.expectedIncarnation ?? (() => undefined),
        refuse: options.refuse ?? (() => undefined),
        onSnapshotChunk: (_from, _message, offset, bytes, last) =>
          options.onSnapshotChunk?.(offset, bytes, last) ?? Promise.reject(new Error("no snapshots here")),
      },
      options.limits,
    );
  }

  get address(): Address {
    return { host: "127.0.0.1", port: this.port };
  }

  async listen(port = 0): Promise<this> {
    this.port = await this.links.listen("127.0.0.1", port);
    this.links.advertise(`127.0.0.1:${this.port}`);
    return this;
  }

  connectTo(...others: readonly TestNode[]): void {
    this.links.setPeers(new Map(others.map((other) => [other.id, other.address])));
  }

  /** Resolves with the first event, past or to come from `since` on, that is wanted. Bounded by the test's own limit. */
  async event<Event extends LinkEvent>(wanted: (event: LinkEvent) => event is Event, since = 0): Promise<Event> {
    for (let at = since; ; ) {
      for (; at < this.events.length; at += 1) {
        const event = this.events[at];
        if (event !== undefined && wanted(event)) return event;
      }
      await new Promise<void>((resolve) => {
        this.#listeners.push(resolve);
      });
    }
  }

  async line(text: string, since = 0): Promise<string> {
    const isLine = (event: LinkEvent): event is Extract<LinkEvent, { kind: "log" }> =>
      event.kind === "log" && event.message.includes(text);
    return (await this.event(isLine, since)).message;
  }

  /** How often something of that kind came from or about `peer`. */
  async next(kind: "disconnected" | "unreachable", peer: NodeId, since = 0): Promise<void> {
    const isIt = (event: LinkEvent): event is Extract<LinkEvent, { kind: "disconnected" | "unreachable" }> =>
      event.kind === kind && "peer" in event && event.peer === peer;
    await this.event(isIt, since);
  }

  async refused(since = 0): Promise<Refusal> {
    const isRefused = (event: LinkEvent): event is Extract<LinkEvent, { kind: "refused" }> => event.kind === "refused";
    return (await this.event(isRefused, since)).refusal;
  }

  /** The first `count` messages, in the order they came. */
  async messages(count: number): Promise<readonly PeerMessage[]> {
    const isMessages = (event: LinkEvent): event is Extract<LinkEvent, { kind: "messages" }> =>
      event.kind === "messages";
    const come: PeerMessage[] = [];
    for (let since = 0; come.length < count; ) {
      const event = await this.event(isMessages, since);
      since = this.events.indexOf(event) + 1;
      come.push(...event.messages);
    }
    return come;
  }
}

const running: TestNode[] = [];

/** A node that listens, closed by `closeNodes`. */
export async function startNode(id: NodeId, options: TestNodeOptions = {}, port = 0): Promise<TestNode> {
  const node = new TestNode(id, options);
  running.push(node);
  return node.listen(port);
}

/** For `afterEach`: whatever a test has left open ends here. */
export async function closeNodes(): Promise<void> {
  await Promise.all(running.splice(0).map((node) => node.links.close()));
}

export function heartbeat(from: NodeId, to: NodeId, readRound: number): PeerMessage {
  const message = { kind: "heartbeatRequest", from, to, term: 1, leaderCommit: 0, readRound } as const;
  return { kind: "core", message, entries: undefined };
}
