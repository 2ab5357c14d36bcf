import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, createBoardMemory } from "../../../src/actor/board.ts";
import { monotonicMs } from "../../../src/actor/clock.ts";
import type { ActorContext } from "../../../src/actor/context.ts";
import { Edge } from "../../../src/actor/edge.ts";
import type { RaftConfig } from "../../../src/actors/protocol/config.ts";
import type { LogToRaft, RaftToLog } from "../../../src/actors/protocol/raft-log.ts";
import type { RaftToStore, StoreToRaft } from "../../../src/actors/protocol/raft-store.ts";
import { RaftRunner } from "../../../src/actors/raft/run-raft.ts";
import { decodePacked } from "../../../src/codec/entries.ts";
import { emptyConfiguration } from "../../../src/raft/types.ts";
import { configOf } from "../support/stepped-cluster.ts";

/** What surrounds the raft actor of a new node: a log and a store that do at once what they are asked. */
class Surroundings {
  readonly board: Board = new Board(createBoardMemory());
  readonly lines: string[] = [];
  readonly context: ActorContext<RaftConfig>;
  readonly log: Edge<RaftToLog, LogToRaft>;
  readonly store: Edge<RaftToStore, StoreToRaft>;
  readonly #ingress: Edge<unknown, unknown>;
  /** Resolves once the second batch, the new leader's own entry, has come to the store. */
  readonly handedOn: Promise<void>;
  #onHandedOn: () => void = () => undefined;

  constructor(port: number) {
    this.handedOn = new Promise((resolve) => {
      this.#onHandedOn = resolve;
    });
    const [log, store, ingress] = [new MessageChannel(), new MessageChannel(), new MessageChannel()];
    const ports = { log: log.port2, store: store.port2, ingress: ingress.port2 };
    this.log = new Edge(log.port1, this.board, "log", "raft");
    this.store = new Edge(store.port1, this.board, "store", "raft");
    this.#ingress = new Edge(ingress.port1, this.board, "ingress", "raft");
    const config = configOf("n1", true);
    this.context = {
      name: "raft",
      config: { ...config, addresses: { ...config.addresses, raftListen: `127.0.0.1:${port}` } },
      board: this.board,
      edge: (peer) => new Edge(ports[peer as keyof typeof ports], this.board, "raft", peer),
      supervisor: {
        keep: async () => undefined,
        release: async () => undefined,
        listening: () => undefined,
        log: (level, message) => this.lines.push(`${level} ${message}`),
      },
      fail: (cause) => {
        throw cause;
      },
    };
    this.log.onMessages((messages) => this.log.send(messages.flatMap(answerOfLog)));
    this.store.onMessages((messages) => this.#onStore(messages));
  }

  open(): void {
    const nothing = { snapshot: null, logStart: { index: 0, term: 0 }, termRuns: [], lastIndex: 0, lastTime: 0 };
    this.log.send([{ kind: "opened", hardState: { currentTerm: 0, votedFor: null }, ...nothing }]);
    this.store.send([{ kind: "opened", appliedIndex: 0, appliedTerm: 0, configuration: emptyConfiguration }]);
  }

  close(): void {
    for (const edge of [this.log, this.store, this.#ingress]) edge.close();
  }

  #onStore(messages: readonly RaftToStore[]): void {
    for (const message of messages) {
      if (message.kind !== "apply") continue;
      const index = message.firstIndex + decodePacked(message.entries).length - 1;
      this.board.set("appliedAtUs", Math.round(monotonicMs() * 1000));
      this.board.set("appliedIndex", index);
      this.store.send([{ kind: "applied", index }]);
      if (index === 2) this.#onHandedOn();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function answerOfLog(message: RaftToLog): LogToRaft[] {
  if (message.kind !== "append") return [];
  const { writeId, term, lastIndex } = message;
  return [{ kind: "persisted", writeId, term, lastIndex }];
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

async function until(holds: () => boolean): Promise<void> {
  const giveUpAt = monotonicMs() + 5_000;
  while (!holds()) {
    if (monotonicMs() > giveUpAt) throw new Error("what was waited for has not come about in 5 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe("the raft actor on its thread", () => {
  it("shows that it has started, who leads, and how long the store takes", async () => {
    const around = new Surroundings(await freePort());
    const runner = new RaftRunner(around.context, monotonicMs);
    try {
      await runner.start();
      expect(around.board.get("raftStarted")).to.equal(0);
      around.open();
      await around.handedOn;
      expect(around.board.get("raftStarted")).to.equal(1);
      expect(around.lines).to.include("info n1 leads in term 2");
      await until(() => sumOf(around.board.histogram("applyLag").counts) > 0);
    } finally {
      await runner.stop();
      around.close();
    }
  });
});
