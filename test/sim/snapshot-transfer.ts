/**
 * @module
 * Snapshots on their way between two simulated nodes, over a connection of their own: chunk by chunk, each answered
 * before the next, through production's own book-keeping of both ends.
 */

import type { SendSnapshot } from "../../src/actors/raft/input.ts";
import { decodeUntrusted, encode } from "../../src/codec/codec.ts";
import { assert } from "../../src/errors/assert.ts";
import { defaultLinkLimits } from "../../src/transport/limits.ts";
import { parsePeerMessage, peerMessageToWire } from "../../src/transport/message-parser.ts";
import type { Machine } from "./machine.ts";
import type { Network } from "./network.ts";
import type { SimulatedProcess } from "./process.ts";
import type { World } from "./world.ts";

const stallUs = 10_000_000;

export class SnapshotTransfers {
  readonly #world: World;
  readonly #network: Network;
  readonly #machines: ReadonlyMap<string, Machine>;
  /** The newest from one node to another. */
  readonly #running = new Map<string, Transfer>();

  constructor(world: World, network: Network, machines: ReadonlyMap<string, Machine>) {
    this.#world = world;
    this.#network = network;
    this.#machines = machines;
  }

  begin(from: SimulatedProcess, send: SendSnapshot): void {
    const name = `${from.id}>${send.to}`;
    this.#running.get(name)?.end(false);
    const target = this.#machines.get(send.to)?.process ?? null;
    const transfer = new Transfer(this.#world, this.#network, from, target, send);
    this.#running.set(name, transfer);
    transfer.run();
  }

  onEnded(process: SimulatedProcess): void {
    for (const transfer of this.#running.values()) if (transfer.involves(process)) transfer.end(false);
  }
}

class Transfer {
  readonly #world: World;
  readonly #network: Network;
  readonly #from: SimulatedProcess;
  readonly #to: SimulatedProcess | null;
  readonly #send: SendSnapshot;
  #hasEnded = false;
  #progress = 0;

  constructor(world: World, network: Network, from: SimulatedProcess, to: SimulatedProcess | null, send: SendSnapshot) {
    this.#world = world;
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#send = send;
  }

  involves(process: SimulatedProcess): boolean {
    return process === this.#from || process === this.#to;
  }

  run(): void {
    if (this.#to === null) return this.end(false);
    this.#read(this.#to, 0);
  }

  end(delivered: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (!delivered) this.#world.coverage.sometimes("a snapshot transfer was given up");
    const { to, transfer } = this.#send;
    this.#world.schedule.after(50, () => {
      if (this.#from.isAlive) this.#from.raftMailbox.push({ kind: "snapshotSent", to, transfer, delivered });
    });
  }

  #read(to: SimulatedProcess, offset: number): void {
    this.#watch();
    const readPart = this.#from.snapshots.reader(to.id, this.#send.snapshot);
    readPart(offset).then(
      (part) => this.#travel(this.#from.id, to.id, () => this.#store(to, { offset, ...part })),
      () => this.end(false),
    );
  }

  #store(to: SimulatedProcess, part: { offset: number; bytes: Uint8Array; last: boolean }): void {
    const { snapshot } = this.#send;
    this.#watch();
    to.snapshots.store({ from: this.#from.id, snapshot, ...part }).then(
      ({ accepted, offset }) => {
        if (accepted && part.last) this.#announce(to);
        this.#travel(to.id, this.#from.id, () => this.#onAck(to, { accepted, offset, last: part.last }));
      },
      () => this.end(false),
    );
  }

  #onAck(to: SimulatedProcess, ack: { accepted: boolean; offset: number; last: boolean }): void {
    if (!ack.accepted || ack.last) return this.end(ack.accepted);
    this.#read(to, ack.offset);
  }

  /** The receiver's core hears of it before the sender's does. */
  #announce(to: SimulatedProcess): void {
    if (this.#hasEnded || !to.isAlive) return;
    const { message } = this.#send;
    const wire = decodeUntrusted(
      encode(peerMessageToWire({ kind: "core", message, entries: undefined })),
      defaultLinkLimits.codec,
    );
    const parsed = parsePeerMessage(wire, { from: this.#from.id, to: to.id }, defaultLinkLimits);
    assert(parsed.kind === "core", "a snapshot's message is one of the core");
    this.#world.trace.note(message.kind, `${this.#from.id}>${to.id}`, "term", message.term);
    to.raftMailbox.push({ kind: "fromPeer", message: parsed.message, entries: undefined });
  }

  #travel(from: string, to: string, arrive: () => void): void {
    if (this.#hasEnded) return;
    const delay = this.#network.travelUs(from, to);
    // A piece that is lost ends the connection; one end hears of it late.
    if (delay === null) {
      this.#world.schedule.after(500_000, () => this.end(false));
      return;
    }
    this.#world.schedule.after(delay, () => {
      if (!this.#hasEnded) arrive();
    });
  }

  /** Gives the transfer up unless it goes on within the limit. */
  #watch(): void {
    this.#progress += 1;
    const seen = this.#progress;
    this.#world.schedule.after(stallUs, () => {
      if (this.#progress === seen) this.end(false);
    });
  }
}
