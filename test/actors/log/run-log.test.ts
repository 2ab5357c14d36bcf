import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Board, createBoardMemory } from "../../../src/actor/board.ts";
import type { ActorContext, RunningActor } from "../../../src/actor/context.ts";
import { Edge } from "../../../src/actor/edge.ts";
import { runLog } from "../../../src/actors/log/run-log.ts";
import { startLog } from "../../../src/actors/log/start.ts";
import type { LogConfig } from "../../../src/actors/protocol/config.ts";
import type { LogToRaft, RaftToLog } from "../../../src/actors/protocol/raft-log.ts";
import { decodeEntries, encodeEntries } from "../../../src/codec/entries.ts";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { DurableLog } from "../../../src/storage/log/durable-log.ts";
import type { LogStorage } from "../../../src/storage/log/log-storage.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import { DiskSlotFile } from "../../../src/storage/watermark/slot-file.ts";
import { startProcessTimer, Watermark } from "../../../src/storage/watermark/watermark.ts";

const identity = { nodeId: "n1", clusterId: "c1", incarnation: "ab".repeat(16) };

function entry(index: number, text = `command ${index}`): Entry {
  return { kind: "command", term: 1, index, time: index * 10, command: Buffer.from(text) };
}

function append(writeId: number): RaftToLog {
  const entries = encodeEntries([entry(writeId)]);
  const hardState = writeId === 1 ? { currentTerm: 1, votedFor: "n1" } : null;
  return { kind: "append", writeId, term: 1, lastIndex: writeId, hardState, firstIndex: writeId, entries };
}

/** Raft's end of the edge, and what main would see. */
class Raft {
  readonly board: Board = new Board(createBoardMemory());
  readonly heard: LogToRaft[] = [];
  readonly failed: Promise<unknown>;
  readonly context: ActorContext<LogConfig>;
  readonly #edge: Edge<LogToRaft, RaftToLog>;
  #waiting: { readonly until: (heard: readonly LogToRaft[]) => boolean; readonly resolve: () => void }[] = [];

  constructor(directory: string) {
    const { port1, port2 } = new MessageChannel();
    this.#edge = new Edge(port1, this.board, "raft", "log");
    this.#edge.onMessages((messages) => {
      this.heard.push(...messages);
      for (const { until, resolve } of this.#waiting) if (until(this.heard)) resolve();
      this.#waiting = this.#waiting.filter(({ until }) => !until(this.heard));
    });
    let fail: (cause: unknown) => void = () => {};
    this.failed = new Promise((resolve) => {
      fail = resolve;
    });
    this.context = {
      name: "log",
      config: { identity, directory: join(directory, "log"), watermarkFile: join(directory, "watermark") },
      board: this.board,
      edge: <Received, Sent>() => new Edge<Received, Sent>(port2, this.board, "log", "raft"),
      supervisor: {
        keep: () => Promise.resolve(),
        release: () => Promise.resolve(),
        listening: () => {},
        log: () => {},
      },
      fail: (cause) => fail(cause),
    };
  }

  say(...messages: readonly RaftToLog[]): void {
    this.#edge.send(messages);
  }

  hears(until: (heard: readonly LogToRaft[]) => boolean): Promise<void> {
    if (until(this.heard)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ until, resolve }));
  }

  hearsPersisted(writeId: number): Promise<void> {
    return this.hears((heard) => heard.some((reply) => reply.kind === "persisted" && reply.writeId === writeId));
  }

  get persisted(): readonly number[] {
    return this.heard.flatMap((reply) => (reply.kind === "persisted" ? [reply.writeId] : []));
  }

  close(): void {
    this.#edge.close();
  }
}

describe("the log actor on a disk", () => {
  let directory: string;
  let raft: Raft;

  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "balsa-actor-log-")));
    raft = new Raft(directory);
  });

  afterEach(async () => {
    raft.close();
    await rm(directory, { recursive: true, force: true });
  });

  function watermark(): Watermark {
    const file = new DiskSlotFile(join(directory, "watermark"));
    return new Watermark(file, { identity, syncIntervalMs: 1000, onFailure: () => {}, startTimer: startProcessTimer });
  }

  function run(storage: LogStorage): Promise<RunningActor> {
    return runLog(raft.context, new DurableLog(storage, watermark(), "memory"));
  }

  it("keeps what it has acknowledged, over a restart", async () => {
    const first = await startLog(raft.context);
    raft.say(append(1), append(2));
    raft.say(append(3));
    await raft.hearsPersisted(3);
    expect(raft.persisted).to.deep.equal([1, 2, 3]);
    expect(raft.heard[0]).to.include({ kind: "opened", lastIndex: 0 });
    await first.stop();
    raft.close();

    raft = new Raft(directory);
    const second = await startLog(raft.context);
    raft.say({ kind: "read", from: 1, to: 4, bytesMax: 1000 });
    await raft.hears((heard) => heard.some(({ kind }) => kind === "entriesRead"));
    expect(raft.heard[0]).to.deep.include({
      lastIndex: 3,
      lastTime: 30,
      hardState: { currentTerm: 1, votedFor: "n1" },
    });
    const answer = raft.heard.find((reply) => reply.kind === "entriesRead");
    const entries = decodeEntries(answer?.kind === "entriesRead" ? answer.entries : new Uint8Array(0), 1);
    expect(
      entries.map((found) => (found.kind === "command" ? Buffer.from(found.command).toString() : "")),
    ).to.deep.equal(["command 1", "command 2", "command 3"]);
    expect(raft.board.get("logBytes")).to.be.greaterThan(0);
    await second.stop();
  });

  it("writes what gathers during a write with one more sync, and counts", async () => {
    const storage = new LogStore(new MemoryRows());
    const sizes: number[] = [];
    const release: (() => void)[] = [];
    const write = storage.write.bind(storage);
    const begun = new Promise<void>((resolve) => {
      storage.write = async (operations) => {
        sizes.push(operations.length);
        resolve();
        if (sizes.length === 1) await new Promise<void>((go) => release.push(go));
        return write(operations);
      };
    });
    const actor = await run(storage);
    raft.say(append(1));
    await begun;
    for (let writeId = 2; writeId <= 10; writeId++) raft.say(append(writeId));
    // A read goes the same way, so when the frame after it is taken all appends are in the mailbox.
    while (raft.board.get("raft>log:received") < 10) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(raft.persisted).to.deep.equal([]);
    for (const go of release) go();
    await raft.hearsPersisted(10);
    expect(sizes).to.deep.equal([1, 9]);
    expect(raft.persisted).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(raft.board.get("logSyncs")).to.equal(2);
    expect(raft.board.get("logEntries")).to.equal(10);
    await actor.stop();
  });

  it("ends the node at a failed write, and acknowledges nothing after it", async () => {
    const storage = new LogStore(new MemoryRows());
    const write = storage.write.bind(storage);
    let attempts = 0;
    storage.write = (operations) => {
      attempts += 1;
      return attempts === 2 ? Promise.reject(new StorageError("EIO")) : write(operations);
    };
    const actor = await run(storage);
    raft.say(append(1));
    await raft.hearsPersisted(1);
    raft.say(append(2));
    raft.say(append(3));
    expect(await raft.failed).to.be.instanceOf(StorageError);
    raft.say(append(4));
    while (raft.board.get("raft>log:received") < 4) await new Promise((resolve) => setImmediate(resolve));
    for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
    expect(raft.persisted).to.deep.equal([1]);
    expect(attempts).to.equal(2);
    const error = await actor.stop().then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).to.be.instanceOf(StorageError);
  });

  it("ends the node at a failed read and at a failed sweep", async () => {
    for (const method of ["read", "sweep"] as const) {
      raft.close();
      for (const name of ["watermark", "begun"]) await rm(join(directory, name), { force: true });
      raft = new Raft(directory);
      const storage: LogStorage = new LogStore(new MemoryRows());
      const refuse = (): Promise<never> => Promise.reject(new StorageError(`${method} EIO`));
      if (method === "read") storage.read = refuse;
      else storage.sweep = refuse;
      const actor = await run(storage);
      raft.say(append(1), { kind: "read", from: 1, to: 2, bytesMax: 10 });
      expect(await raft.failed).to.have.property("message", `${method} EIO`);
      await actor.stop().catch(() => {});
    }
  });

  it("finishes the write under way when stopped, so that it is there afterwards", async () => {
    const first = await startLog(raft.context);
    raft.say(append(1));
    await raft.hearsPersisted(1);
    raft.say(append(2));
    while (raft.board.get("raft>log:received") < 2) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await first.stop();
    raft.close();
    raft = new Raft(directory);
    const second = await startLog(raft.context);
    await raft.hears((heard) => heard.length > 0);
    expect(raft.heard[0]).to.include({ kind: "opened", lastIndex: 2 });
    await second.stop();
  });

  it("does not take itself for a new node when log and watermark are gone", async () => {
    const first = await startLog(raft.context);
    await first.stop();
    raft.close();
    for (let attempt = 0; attempt < 2; attempt++) {
      raft = new Raft(directory);
      for (const name of ["log", "watermark"]) await rm(join(directory, name), { recursive: true, force: true });
      const error = await startLog(raft.context).then(
        () => null,
        (cause: unknown) => cause,
      );
      expect(error).to.be.instanceOf(StorageError);
      expect(String(error)).to.contain("has lost its log").and.to.contain("replace this member");
      expect(raft.heard).to.deep.equal([]);
      raft.close();
    }
    raft = new Raft(directory);
  });

  it("begins when a crash came before there was a watermark, and notes it after a crash right behind it", async () => {
    await startLog(raft.context).then((actor) => actor.stop());
    raft.close();
    await rm(join(directory, "begun"));
    raft = new Raft(directory);
    await startLog(raft.context).then((actor) => actor.stop());
    raft.close();
    raft = new Raft(directory);
    expect(await readdir(directory)).to.include("begun");
    for (const name of ["watermark", "begun"]) await rm(join(directory, name));
    await startLog(raft.context).then((actor) => actor.stop());
    expect(await readdir(directory)).to.include.members(["begun", "watermark"]);
  });

  it("does not start on a log that has lost its tail, and says nothing to raft", async () => {
    const first = await startLog(raft.context);
    raft.say(append(1));
    await raft.hearsPersisted(1);
    await first.stop();
    raft.close();
    raft = new Raft(directory);
    await rm(join(directory, "log"), { recursive: true });
    const error = await startLog(raft.context).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).to.be.instanceOf(StorageError);
    expect(raft.heard).to.deep.equal([]);
  });
});
