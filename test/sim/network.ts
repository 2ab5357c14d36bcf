/**
 * @module
 * The network between simulated nodes. What a turn has for a peer is one frame, encoded by the sender and parsed as
 * from a stranger by the receiver; a link is one direction between two processes, and is made anew when it breaks.
 */

import { decodeUntrusted, encodePooled } from "../../src/codec/codec.ts";
import { defaultLinkLimits } from "../../src/transport/limits.ts";
import { type PeerMessage, parsePeerMessage, peerMessageToWire } from "../../src/transport/message-parser.ts";
import type { Machine } from "./machine.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** A link that has been silent for so long is given up by both its ends. */
const linkDeadUs = 5_000_000;

interface Frame {
  readonly from: SimulatedProcess;
  /** The process that the link led to. */
  readonly to: SimulatedProcess;
  readonly bytes: Uint8Array;
  /** Whether it may be lost alone or come out of order: a proposal is handed on within one connection. */
  readonly isMovable: boolean;
}

interface Link {
  readonly from: string;
  readonly to: string;
  /** Names the way, as `way` does. */
  readonly name: string;
  epoch: number;
  lastArrival: number;
  /** Nothing is taken before then: it is being dialled. */
  openFrom: number;
  /** What waits for the partition to end. */
  held: Frame[];
  heldSince: number;
}

export class Network {
  readonly #world: World;
  readonly #random: Random;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #links: Link[] = [];
  /** By sender, then by receiver. */
  readonly #linksFrom = new Map<string, Map<string, Link>>();
  /** How many cuts lie on the way from one node to another. */
  readonly #cuts = new Map<string, number>();
  /** What a way takes longer than usual, in microseconds. */
  readonly #detours = new Map<string, number>();

  constructor(world: World, machines: ReadonlyMap<string, Machine>) {
    this.#world = world;
    this.#random = world.random("network");
    this.#machines = machines;
  }

  isCut(from: string, to: string): boolean {
    return this.#isCut(way(from, to));
  }

  /** Cuts these ways; what is given mends them. */
  cut(ways: readonly (readonly [from: string, to: string])[]): () => void {
    for (const [from, to] of ways) this.#cuts.set(way(from, to), (this.#cuts.get(way(from, to)) ?? 0) + 1);
    return () => {
      for (const [from, to] of ways) {
        const left = (this.#cuts.get(way(from, to)) ?? 1) - 1;
        this.#cuts.set(way(from, to), left);
        if (left === 0) this.#onMended(this.#link(from, to));
      }
    };
  }

  /** All that goes these ways takes so much longer; what is given ends it. */
  detour(ways: readonly (readonly [from: string, to: string])[], longerUs: number): () => void {
    for (const [from, to] of ways) this.#detours.set(way(from, to), longerUs);
    return () => {
      for (const [from, to] of ways) this.#detours.delete(way(from, to));
    };
  }

  send(from: SimulatedProcess, to: string, messages: readonly PeerMessage[]): void {
    const link = this.#link(from.id, to);
    const target = this.#machines.get(to)?.process ?? null;
    const isOpen = target !== null && link.openFrom <= this.#world.now;
    if (!isOpen) return this.#tellUnreachable(from, to);
    const bytes = encodePooled(messages.map(peerMessageToWire));
    const isMovable = !messages.some(({ kind, message }) => kind === "core" && message.kind === "forwardedProposal");
    const frame: Frame = { from, to: target, bytes, isMovable };
    if (this.#isCut(link.name)) return this.#hold(link, frame);
    this.#transmit(link, frame);
  }

  /** How long a piece of a snapshot takes; null when it does not arrive. */
  travelUs(from: string, to: string): number | null {
    if (this.isCut(from, to) || this.isCut(to, from) || this.#world.hits("drop")) return null;
    return this.#delay(way(from, to));
  }

  /** The connection breaks: what is on its way is lost from some point on. */
  reset(from: string, to: string): void {
    const link = this.#link(from, to);
    link.epoch += 1;
    link.held = [];
    const { now } = this.#world;
    link.lastArrival = now;
    link.openFrom = now + this.#random.between(1_000, 60_000);
    const sender = this.#machines.get(from)?.process;
    if (sender !== null && sender !== undefined) {
      this.#world.schedule.after(this.#random.between(50, 2_000), () => {
        if (sender.isAlive) sender.raftMailbox.push({ kind: "peerDisconnected", peer: to });
      });
    }
  }

  /** A process is gone; after a power cut nobody hears of it. */
  onEnded(id: string, withPower: boolean): void {
    for (const other of this.#machines.keys()) {
      if (other === id) continue;
      if (withPower) this.reset(other, id);
      const link = this.#link(id, other);
      link.held = [];
      link.openFrom = 0;
    }
  }

  heal(): void {
    this.#cuts.clear();
    this.#detours.clear();
    for (const link of this.#links) this.#onMended(link);
  }

  #transmit(link: Link, frame: Frame): void {
    const world = this.#world;
    if (frame.isMovable && world.hits("drop")) {
      world.trace.note("lost", frame.from.id, "bytes", frame.bytes.byteLength);
      return;
    }
    const arrival = world.now + this.#delay(link.name);
    if (frame.isMovable && world.hits("reorder")) this.#arriveAt(arrival + this.#random.below(50_000), link, frame);
    else {
      link.lastArrival = Math.max(link.lastArrival, arrival);
      this.#arriveAt(link.lastArrival, link, frame);
    }
    if (world.hits("duplicate")) {
      this.#noteRepeated(frame);
      this.#arriveAt(link.lastArrival + this.#random.below(20_000), link, frame);
    }
    if (world.hits("replay")) this.#replayLater(link, frame);
  }

  #arriveAt(time: number, link: Link, frame: Frame): void {
    const { epoch } = link;
    const { schedule } = this.#world;
    schedule.at(time, () => {
      const isCutOff = link.epoch !== epoch && this.#random.chance(0.5);
      if (!isCutOff) this.#deliver(link, frame, frame.to);
    });
  }

  /** Comes again later, perhaps to the next process of its receiver, or from one that is gone. */
  #replayLater(link: Link, frame: Frame): void {
    this.#world.schedule.after(this.#random.logUniform(10_000, 5_000_000), () => {
      const target = this.#machines.get(frame.to.id)?.process;
      if (target === null || target === undefined) return;
      if (target !== frame.to || !frame.from.isAlive) {
        this.#world.coverage.sometimes("an input came from before a restart");
      }
      this.#noteRepeated(frame);
      this.#deliver(link, frame, target);
    });
  }

  #noteRepeated({ isMovable }: Frame): void {
    if (!isMovable) this.#world.coverage.sometimes("a proposal that was handed on was sent twice");
  }

  #deliver(link: Link, frame: Frame, target: SimulatedProcess): void {
    if (!target.isAlive) return;
    const wires = decodeUntrusted(frame.bytes, defaultLinkLimits.codec) as readonly unknown[];
    for (const wire of wires) {
      const peerMessage = parsePeerMessage(wire, link, defaultLinkLimits);
      if (peerMessage.kind === "core") {
        const { message, entries } = peerMessage;
        this.#world.trace.note(message.kind, link.name, "term", message.term);
        target.raftMailbox.push({ kind: "fromPeer", message, entries });
      } else {
        target.raftMailbox.push({ kind: "serviceFromPeer", from: link.from, message: peerMessage.message });
      }
    }
  }

  #hold(link: Link, frame: Frame): void {
    const { now } = this.#world;
    if (link.held.length === 0) link.heldSince = now;
    link.held.push(frame);
    if (now - link.heldSince < linkDeadUs) return;
    link.held = [];
    this.#tellUnreachable(frame.from, frame.to.id);
  }

  /** What waited comes late, or its connection had been given up. */
  #onMended(link: Link): void {
    const held = link.held.splice(0);
    if (held.length === 0) return;
    if (this.#random.chance(0.5)) for (const frame of held) this.#transmit(link, frame);
    else this.reset(link.from, link.to);
  }

  #tellUnreachable(from: SimulatedProcess, peer: string): void {
    from.raftMailbox.push({ kind: "peerUnreachable", peer });
  }

  #isCut(name: string): boolean {
    return (this.#cuts.get(name) ?? 0) > 0;
  }

  #delay(name: string): number {
    const usual = 60 + this.#random.below(400);
    const delay = this.#world.hits("delay") ? Math.round(this.#random.logUniform(500, 800_000)) : usual;
    return delay + (this.#detours.get(name) ?? 0);
  }

  #link(from: string, to: string): Link {
    let links = this.#linksFrom.get(from);
    if (links === undefined) this.#linksFrom.set(from, (links = new Map<string, Link>()));
    const known = links.get(to);
    if (known !== undefined) return known;
    const name = way(from, to);
    const made: Link = { from, to, name, epoch: 0, lastArrival: 0, openFrom: 0, held: [], heldSince: 0 };
    links.set(to, made);
    this.#links.push(made);
    return made;
  }
}

function way(from: string, to: string): string {
  return `${from}>${to}`;
}
