/**
 * @module
 * The log actor of a simulated process: production's turn, log format and watermark over a simulated disk.
 */

import { createLogActor, type LogActor, type LogEffects, type LogInput, turn } from "../../src/actors/log/log-actor.ts";
import type { Identity } from "../../src/actors/protocol/config.ts";
import type { LogToRaft } from "../../src/actors/protocol/raft-log.ts";
import { DurableLog } from "../../src/storage/log/durable-log.ts";
import { LogStore } from "../../src/storage/log/log-store.ts";
import { Watermark } from "../../src/storage/watermark/watermark.ts";
import type { LogRows, SimulatedSlotFile } from "./log-disk.ts";
import type { Life } from "./mailbox.ts";
import { Mailbox } from "./mailbox.ts";
import type { World } from "./world.ts";

const sweepIntervalUs = 10_000;
const watermarkSyncIntervalMs = 100;
/** So that snapshots of small logs become due. */
const sizeStepBytes = 300;
const writeBytesMax = 20_000;

export interface LogPartOptions {
  readonly world: World;
  readonly life: Life;
  readonly identity: Identity;
  readonly rows: LogRows;
  readonly slots: SimulatedSlotFile;
  readonly reply: (messages: readonly LogToRaft[]) => void;
  /** The disk has failed. */
  readonly fail: (cause: unknown) => void;
}

export class LogPart {
  readonly mailbox: Mailbox<LogInput>;
  readonly #options: LogPartOptions;
  readonly #log: DurableLog;
  #actor: LogActor | null = null;

  constructor(options: LogPartOptions) {
    const { world, life, identity, rows, slots, fail } = options;
    this.#options = options;
    const watermark = new Watermark(slots, {
      identity,
      syncIntervalMs: watermarkSyncIntervalMs,
      onFailure: fail,
      startTimer: (callback, milliseconds) => {
        let isCancelled = false;
        world.schedule.after(milliseconds * 1000, () => {
          if (isCancelled || !life.isAlive) return;
          world.touch();
          callback();
        });
        return () => {
          isCancelled = true;
        };
      },
    });
    this.#log = new DurableLog(new LogStore(rows), watermark, rows.place);
    const random = world.random(`log of ${identity.nodeId}`);
    this.mailbox = new Mailbox(world, random, life, (inputs) => this.#turn(inputs));
  }

  async start(): Promise<void> {
    const contents = await this.#log.open();
    if (!this.#options.life.isAlive) return;
    const { actor, effects } = createLogActor(contents, { writeBytesMax, sizeStepBytes });
    this.#actor = actor;
    this.#carryOut(effects);
  }

  #turn(inputs: readonly LogInput[]): void {
    if (this.#actor === null) throw new Error("the log is open before it is asked");
    this.#carryOut(turn(this.#actor, inputs));
  }

  #carryOut({ reads, write, replies, sweep, failure }: LogEffects): void {
    if (failure !== null) return this.#options.fail(failure.cause);
    this.#options.reply(replies);
    for (const range of reads) {
      this.#options.world.coverage.sometimes("entries were read back from disk");
      this.#run(async () => ({ kind: "entriesRead", from: range.from, entries: await this.#log.read(range) }));
    }
    if (write !== null) this.#run(async () => ({ kind: "written", bytes: (await this.#log.write(write)).bytes }));
    if (sweep) this.#sweepLater();
  }

  #sweepLater(): void {
    const { world, life } = this.#options;
    world.schedule.after(sweepIntervalUs, () => {
      if (life.isAlive) this.#run(async () => ({ kind: "swept", more: await this.#log.sweep() }));
    });
  }

  #run(work: () => Promise<LogInput>): void {
    const { world, life, fail } = this.#options;
    world.touch();
    work().then(
      (input) => {
        if (life.isAlive) this.mailbox.push(input);
      },
      (cause: unknown) => {
        if (life.isAlive) fail(cause);
      },
    );
  }
}
