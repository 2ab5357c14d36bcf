/**
 * @module
 * All connections of one node to its peers: each node dials each other for what it says, and hears on what it
 * accepted. Everything here belongs to the raft thread; no callback but `expectedIncarnation` and `refuse` is called from within a call.
 */

import type { Socket } from "node:net";
import { type Address, formatAddress, parseDialledAddress } from "../address/address.ts";
import type { Message } from "../raft/message.ts";
import type { NodeId } from "../raft/types.ts";
import { encodeFrames } from "./frame.ts";
import type { Hello, Refusal } from "./hello.ts";
import { IncomingLink } from "./incoming-link.ts";
import { defaultLinkLimits, type LinkLimits } from "./limits.ts";
import { type LinkContext, type LinkCounters, noCounts } from "./link-context.ts";
import { Listener } from "./listener.ts";
import { type PeerMessage, peerMessageToWire } from "./message-parser.ts";
import { PeerLink } from "./peer-link.ts";
import { orProtocolError, PeerProtocolError } from "./protocol-error.ts";
import { QuietLog, type WriteLogLine } from "./quiet-log.ts";
import { type OnSnapshotChunk, SnapshotReceiver } from "./snapshot-receiver.ts";
import { type ReadSnapshotPart, sendSnapshot } from "./snapshot-sender.ts";

export interface LinkIdentity {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  /** Of this node's data directory. */
  readonly incarnation: string;
  /** `host:port` at which others reach this node; see `advertise` when the port is known only later. */
  readonly raftAddr: string;
  /** As in `Hello`. */
  readonly voteHoldMs: number;
}

export interface LinkCallbacks {
  /** What one peer said, in its order: all that one read of its connection gave. */
  onMessages(from: NodeId, messages: readonly PeerMessage[]): void;
  /** An established connection in either direction was reset or closed by the peer: it has probably died. */
  onDisconnected(peer: NodeId): void;
  /** The peer cannot be dialled, or shows no sign of life: messages to it are being lost. Once an attempt. */
  onUnreachable(peer: NodeId): void;
  /** One of the two nodes will not talk to the other. It is tried again, with the usual back-off. */
  onRefused(peer: NodeId, refusal: Refusal): void;
  /** Of that node's data directory, as the membership has it; empty or undefined when it is not known yet. */
  expectedIncarnation(nodeId: NodeId): string | undefined;
  /** Why that node is not to be talked to (it is not a member any more); undefined when it is. */
  refuse(nodeId: NodeId): string | undefined;
  readonly onSnapshotChunk: OnSnapshotChunk;
  readonly onLog: WriteLogLine;
}

/** What of a node's links is cut, by the ids of its peers. */
export interface LinkCuts {
  readonly to: readonly NodeId[];
  readonly from: readonly NodeId[];
}

interface SnapshotUnderWay {
  readonly peer: NodeId;
  readonly abort: AbortController;
}

/** Where a peer says that it is, and where the membership had it when it said so. */
interface Claim {
  readonly address: Address;
  readonly insteadOf: Address;
}

/** How often established connections are looked after. */
const tickIntervalMs = 250;

export class Links {
  readonly counters: LinkCounters = noCounts();
  readonly #identity: LinkIdentity;
  readonly #callbacks: LinkCallbacks;
  readonly #limits: LinkLimits;
  readonly #context: LinkContext;
  readonly #listener: Listener;
  readonly #outgoing = new Map<NodeId, PeerLink>();
  /** The newest connection of each peer; an older one is closed. */
  readonly #incoming = new Map<NodeId, IncomingLink>();
  readonly #receivers = new Map<NodeId, SnapshotReceiver>();
  readonly #senders = new Map<NodeId, SnapshotUnderWay>();
  #peers: ReadonlyMap<NodeId, Address> = new Map();
  /** Peers that say of themselves, mostly on a connection that stands, that they are not where the membership has them. */
  readonly #claims = new Map<NodeId, Claim>();
  #cuts: { readonly to: ReadonlySet<NodeId>; readonly from: ReadonlySet<NodeId> } = { to: new Set(), from: new Set() };
  #raftAddr: string;
  #paused = false;
  #closed = false;
  #tickedAtMs: number = performance.now();
  readonly #ticker: NodeJS.Timeout;

  constructor(identity: LinkIdentity, callbacks: LinkCallbacks, limits: Partial<LinkLimits> = {}) {
    this.#identity = identity;
    this.#callbacks = callbacks;
    this.#limits = { ...defaultLinkLimits, ...limits };
    if (this.#limits.queueBytesMax < this.#limits.frameBytesMax + 4) {
      throw new RangeError("queueBytesMax must hold at least one frame of frameBytesMax");
    }
    this.#raftAddr = identity.raftAddr;
    this.#context = this.#makeContext();
    this.#listener = new Listener(this.#context, {
      incarnation: identity.incarnation,
      establishedCount: () => this.#incoming.size + this.#receivers.size,
      onWelcome: (socket, hello) => this.#onWelcome(socket, hello),
    });
    this.#ticker = setInterval(() => this.#tick(), tickIntervalMs);
  }

  /** Listens for peers; port 0 takes any. Resolves with the port; rejects with `StartError`. */
  listen(host: string, port: number): Promise<number> {
    return this.#listener.listen({ host, port });
  }

  /**
   * That peer says elsewhere that it is at `raftAddr`, where nobody has told the membership: it is dialled there as if it
   * had said so in a hello. Nothing changes for one that has connected by itself, or that the membership does not have.
   */
  expectAt(peer: NodeId, raftAddr: string): void {
    const [insteadOf, address] = [this.#peers.get(peer), parseDialledAddress(raftAddr)];
    if (insteadOf === undefined || address === null || this.#incoming.has(peer)) return;
    this.#claims.set(peer, { address, insteadOf });
    this.#outgoing.get(peer)?.moveTo(address);
  }

  /** What the next hellos say of where this node is reached. */
  advertise(raftAddr: string): void {
    this.#raftAddr = raftAddr;
  }

  /**
   * Who there is to be connected with, this node itself aside. Links to others end, but for those that this node only
   * knows from their own hello, which end with the connection on which it came. A peer that said there that it is
   * elsewhere now is dialled where it said, until it is given another address here or that connection ends.
   */
  setPeers(peers: ReadonlyMap<NodeId, Address>): void {
    this.#peers = new Map([...peers].filter(([peer]) => peer !== this.#identity.nodeId));
    for (const [peer, address] of this.#peers) {
      const link = this.#outgoing.get(peer);
      if (link === undefined) this.#outgoing.set(peer, new PeerLink(peer, address, this.#context));
      else link.moveTo(this.#addressOf(peer, address));
    }
    for (const incoming of this.#incoming.values()) {
      if (this.#callbacks.refuse(incoming.from) !== undefined) incoming.close();
    }
    for (const peer of this.#outgoing.keys()) this.#dropUnwanted(peer);
  }

  /**
   * Sends frames that are encoded already; they must not change afterwards. False: it is lost (no connection, or the
   * queue is full), and the core should hear `peerUnreachable`. True promises nothing.
   */
  send(peer: NodeId, frame: Uint8Array): boolean {
    return this.#outgoing.get(peer)?.send([frame]) ?? false;
  }

  /** Encodes messages into as few frames as hold them, unless the peer is down, and sends them; see `send`. */
  sendMessages(peer: NodeId, messages: readonly PeerMessage[]): boolean {
    const link = this.#outgoing.get(peer);
    if (messages.length === 0 || this.#cuts.to.has(peer)) return true;
    if (link === undefined || !link.isOpen) {
      this.counters.framesDropped += 1;
      return false;
    }
    const frames = orProtocolError("frameTooLarge", () =>
      encodeFrames(messages.map(peerMessageToWire), this.#limits.frameBytesMax),
    );
    if (frames instanceof PeerProtocolError) {
      const message = `a message for peer ${peer} cannot be sent: ${frames.message}`;
      this.#context.log.say("error", `too large ${peer}`, message, { peer });
      return false;
    }
    return link.send(frames);
  }

  /**
   * Moves a snapshot to `peer` over a connection of its own; `message` is its InstallSnapshotRequest, which the peer's core
   * gets after the last byte. Resolves with whether it arrived whole; a second one to the same peer replaces the first.
   */
  async sendSnapshot(peer: NodeId, message: Message, readPart: ReadSnapshotPart): Promise<boolean> {
    this.#senders.get(peer)?.abort.abort();
    const address = this.#outgoing.get(peer)?.address;
    if (this.#closed || address === undefined || this.#isCut(peer)) return false;
    const underWay: SnapshotUnderWay = { peer, abort: new AbortController() };
    this.#senders.set(peer, underWay);
    try {
      return await sendSnapshot(peer, address, message, readPart, this.#context, underWay.abort.signal);
    } finally {
      if (this.#senders.get(peer) === underWay) this.#senders.delete(peer);
    }
  }

  /** Reads no more messages until `resume`: the mailbox is full. Snapshots pace themselves. */
  pause(): void {
    this.#paused = true;
    for (const link of this.#incoming.values()) link.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const link of this.#incoming.values()) link.resume();
  }

  /** Waiting to be written, over all peers. */
  queuedBytes(): number {
    let bytes = 0;
    for (const link of this.#outgoing.values()) bytes += link.queuedBytes;
    return bytes;
  }

  /** Can something be sent to that peer right now? */
  isConnected(peer: NodeId): boolean {
    return this.#outgoing.get(peer)?.isEstablished ?? false;
  }

  /**
   * Fault switch: nothing goes to the ids of `to`, and nothing that the ids of `from` say is heard, as on a network that
   * drops every packet. Replaces what was cut before. Connections are left hanging, nobody hears of a close, and
   * none is made to or from a node that is cut off in either direction. Those no longer cut are dialled at once.
   */
  setCuts(cuts: LinkCuts): void {
    const before = new Set([...this.#cuts.to, ...this.#cuts.from]);
    this.#cuts = { to: new Set(cuts.to), from: new Set(cuts.from) };
    this.#listener.dropHeld();
    for (const { peer, abort } of this.#senders.values()) if (this.#isCut(peer)) abort.abort();
    for (const receiver of this.#receivers.values()) if (this.#isCut(receiver.from)) receiver.close();
    for (const peer of before) if (!this.#isCut(peer)) this.#outgoing.get(peer)?.retryNow();
  }

  /** Closes everything; no callback comes after it. Resolves when nothing is open any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ticker);
    for (const { abort } of this.#senders.values()) abort.abort();
    for (const link of this.#outgoing.values()) link.close();
    this.#outgoing.clear();
    for (const link of this.#incoming.values()) link.close();
    for (const receiver of this.#receivers.values()) receiver.close();
    await this.#listener.close();
  }

  #isCut(peer: NodeId): boolean {
    return this.#cuts.to.has(peer) || this.#cuts.from.has(peer);
  }

  #makeContext(): LinkContext {
    const { nodeId, clusterId, incarnation, voteHoldMs } = this.#identity;
    const callbacks = this.#callbacks;
    const unlessClosed = (call: () => void): void => {
      if (!this.#closed) call();
    };
    return {
      limits: this.#limits,
      counters: this.counters,
      log: new QuietLog(callbacks.onLog, this.#limits.logIntervalMs),
      keeper: {
        nodeId,
        clusterId,
        voteHoldMs,
        expectedIncarnation: (peer) => callbacks.expectedIncarnation(peer),
        refuse: (peer) => callbacks.refuse(peer),
      },
      helloTo: (peer, purpose): Hello => ({
        clusterId,
        from: nodeId,
        to: peer,
        incarnation,
        purpose,
        raftAddr: this.#raftAddr,
        voteHoldMs,
      }),
      isCutTo: (peer) => this.#cuts.to.has(peer),
      isCutFrom: (peer) => this.#cuts.from.has(peer),
      isCut: (peer) => this.#isCut(peer),
      deliver: (from, messages) => unlessClosed(() => callbacks.onMessages(from, messages)),
      heardPing: (from) => this.#outgoing.get(from)?.redial(),
      disconnected: (peer) => unlessClosed(() => callbacks.onDisconnected(peer)),
      unreachable: (peer) => unlessClosed(() => callbacks.onUnreachable(peer)),
      refusedBy: (peer, refusal) => unlessClosed(() => callbacks.onRefused(peer, refusal)),
    };
  }

  #onWelcome(socket: Socket, hello: Hello): void {
    const { from } = hello;
    if (hello.purpose === "snapshot") {
      this.#receivers.get(from)?.close();
      const onClosed = (receiver: SnapshotReceiver): void => {
        if (this.#receivers.get(from) === receiver) this.#receivers.delete(from);
      };
      const receiver = new SnapshotReceiver(from, socket, this.#context, this.#callbacks.onSnapshotChunk, onClosed);
      this.#receivers.set(from, receiver);
      return;
    }
    this.#incoming.get(from)?.close();
    const link = new IncomingLink(from, socket, this.#context, (closed) => this.#onIncomingClosed(closed));
    this.#incoming.set(from, link);
    if (this.#paused) link.pause();
    this.#reach(hello);
  }

  /** A peer that has just dialled is up, and knows best where it is. */
  #reach({ from, raftAddr }: Hello): void {
    const known = this.#outgoing.get(from);
    const address = parseDialledAddress(raftAddr);
    if (address !== null) {
      const insteadOf = this.#peers.get(from);
      if (insteadOf !== undefined) this.#claims.set(from, { address, insteadOf });
      if (known === undefined) this.#outgoing.set(from, new PeerLink(from, address, this.#context));
      else known.moveTo(address);
    }
    known?.retryNow();
    const fields = { peer: from, address: address === null ? "" : formatAddress(address) };
    this.#context.log.say("info", `accepted ${from}`, `peer ${from} has connected`, fields);
  }

  #onIncomingClosed(link: IncomingLink): void {
    if (this.#incoming.get(link.from) !== link) return;
    this.#incoming.delete(link.from);
    this.#claims.delete(link.from);
    const address = this.#peers.get(link.from);
    if (address !== undefined) this.#outgoing.get(link.from)?.moveTo(address);
    this.#dropUnwanted(link.from);
  }

  /** Where to dial a peer that the membership has at `known`. */
  #addressOf(peer: NodeId, known: Address): Address {
    const claim = this.#claims.get(peer);
    if (claim !== undefined && formatAddress(claim.insteadOf) === formatAddress(known)) return claim.address;
    this.#claims.delete(peer);
    return known;
  }

  #dropUnwanted(peer: NodeId): void {
    if (this.#peers.has(peer) || this.#incoming.has(peer)) return;
    this.#outgoing.get(peer)?.close();
    this.#outgoing.delete(peer);
  }

  #tick(): void {
    const nowMs = performance.now();
    const resumedAfterPause = nowMs - this.#tickedAtMs > 4 * tickIntervalMs;
    this.#tickedAtMs = nowMs;
    for (const link of this.#outgoing.values()) link.tick(nowMs, resumedAfterPause);
    for (const link of this.#incoming.values()) link.tick(nowMs, resumedAfterPause);
    for (const receiver of this.#receivers.values()) receiver.tick(nowMs, resumedAfterPause);
  }
}
