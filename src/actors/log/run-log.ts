/**
 * @module
 * The log actor on a disk: pumps what raft says into turns, and carries out what they decide.
 */

import type { ActorContext, RunningActor } from "../../actor/context.ts";
import type { Edge } from "../../actor/edge.ts";
import { Pump } from "../../actor/pump.ts";
import type { DurableLog } from "../../storage/log/durable-log.ts";
import type { LogOperation, LogRange } from "../../storage/log/log-storage.ts";
import type { LogToRaft, RaftToLog } from "../protocol/raft-log.ts";
import { createLogActor, type LogActor, type LogEffects, type LogInput, logActorOptions, turn } from "./log-actor.ts";

const inputsPerTurnMax = 1024;

/** Milliseconds from one sweep to the next: some hundred thousand entries a second, and the disk is mostly free. */
const sweepIntervalMs = 10;
/** A synced write that takes so long is news: ten ticks by default, and no write is answered meanwhile. */
const slowSyncMs = 1_000;

/** Opens the log, tells raft what it holds, and serves it until stopped. */
export async function runLog<Config>(context: ActorContext<Config>, log: DurableLog): Promise<RunningActor> {
  const runner = new LogRunner(context, log, context.edge<RaftToLog, LogToRaft>("raft"));
  await runner.start();
  return { stop: () => runner.stop() };
}

type LogContext = Pick<ActorContext<unknown>, "board" | "fail" | "supervisor">;

class LogRunner {
  readonly #context: LogContext;
  readonly #log: DurableLog;
  readonly #edge: Edge<RaftToLog, LogToRaft>;
  readonly #pump: Pump<LogInput>;
  #actor: LogActor | null = null;
  /** What the disk is doing for this actor. */
  readonly #running = new Set<Promise<void>>();
  #sweepTimer: NodeJS.Timeout | null = null;
  #ended = false;
  #failure: { readonly cause: unknown } | null = null;

  constructor(context: LogContext, log: DurableLog, edge: Edge<RaftToLog, LogToRaft>) {
    this.#context = context;
    this.#log = log;
    this.#edge = edge;
    this.#pump = new Pump((inputs) => this.#step(inputs), { inputsPerTurnMax });
  }

  async start(): Promise<void> {
    const { actor, effects } = createLogActor(await this.#log.open(), logActorOptions);
    this.#actor = actor;
    this.#context.board.set("logBytes", actor.reportedBytes);
    this.#edge.onMessages((messages) => {
      for (const message of messages) this.#pump.push({ kind: "received", message });
    });
    this.#carryOut(effects);
  }

  /**
   * Lets what the disk is doing finish, then closes it. What still waits was never acknowledged. Throws what
   * the disk failed with.
   */
  async stop(): Promise<void> {
    this.#ended = true;
    this.#pump.stop();
    if (this.#sweepTimer !== null) clearTimeout(this.#sweepTimer);
    await Promise.all(this.#running);
    this.#edge.close();
    await this.#log.close();
    if (this.#failure !== null) throw this.#failure.cause;
  }

  #step(inputs: readonly LogInput[]): void {
    if (this.#actor === null || this.#ended) return;
    try {
      this.#carryOut(turn(this.#actor, inputs));
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #carryOut({ reads, write, replies, sweep, failure }: LogEffects): void {
    if (failure !== null) {
      this.#ended = true;
      this.#pump.stop();
      this.#context.fail(failure.cause);
      return;
    }
    this.#edge.send(replies);
    for (const range of reads) this.#run(() => this.#read(range));
    if (write !== null) this.#run(() => this.#write(write));
    if (sweep) this.#scheduleSweep();
  }

  async #read(range: LogRange): Promise<LogInput> {
    return { kind: "entriesRead", from: range.from, entries: await this.#log.read(range) };
  }

  async #write(operations: readonly LogOperation[]): Promise<LogInput> {
    const { board, supervisor } = this.#context;
    const begunAt = performance.now();
    const { bytes } = await this.#log.write(operations);
    const tookMs = performance.now() - begunAt;
    board.record("logSync", tookMs * 1000);
    if (tookMs >= slowSyncMs)
      supervisor.log("warn", `the disk is slow: a synced write of the log took ${Math.round(tookMs)} ms`);
    board.add("logSyncs", 1);
    board.add("logEntries", countEntries(operations));
    board.set("logBytes", bytes);
    return { kind: "written", bytes };
  }

  #scheduleSweep(): void {
    this.#sweepTimer = setTimeout(() => {
      this.#sweepTimer = null;
      this.#run(async () => ({ kind: "swept", more: await this.#log.sweep() }));
    }, sweepIntervalMs);
  }

  /** Begins at once, up to its first wait; its outcome is an input of a later turn. */
  #run(work: () => Promise<LogInput>): void {
    const running = work().then(
      (input) => this.#pump.push(input),
      (cause: unknown) => this.#fail(cause),
    );
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /** Past the mailbox: no reply that waits in it may leave any more. */
  #fail(cause: unknown): void {
    this.#failure ??= { cause };
    if (this.#ended || this.#actor === null) return;
    this.#carryOut(turn(this.#actor, [{ kind: "failed", cause }]));
  }
}

function countEntries(operations: readonly LogOperation[]): number {
  let count = 0;
  for (const operation of operations) if (operation.kind === "append") count += operation.entries.length;
  return count;
}
