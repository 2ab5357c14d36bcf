import { MessageChannel } from "node:worker_threads";
import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, createBoardMemory } from "../../src/actor/board.ts";
import { Edge } from "../../src/actor/edge.ts";

function edgePair(): { raft: Edge<unknown, unknown>; log: Edge<unknown, unknown> } {
  const board = new Board(createBoardMemory());
  const { port1, port2 } = new MessageChannel();
  return { raft: new Edge(port1, board, "raft", "log"), log: new Edge(port2, board, "log", "raft") };
}

describe("an edge", () => {
  it("carries frames of messages in order, bytes included", async () => {
    const { raft, log } = edgePair();
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      log.onMessages((messages) => {
        seen.push(...messages);
        if (seen.length === 3) resolve();
      });
      raft.send([{ kind: "one", bytes: Uint8Array.of(1, 2, 3) }, { kind: "two" }]);
      raft.send([{ kind: "three" }]);
    });
    expect(seen).to.deep.equal([{ kind: "one", bytes: Uint8Array.of(1, 2, 3) }, { kind: "two" }, { kind: "three" }]);
    raft.close();
  });

  it("counts the frames that the other side has not taken", async () => {
    const { raft, log } = edgePair();
    raft.send([1]);
    raft.send([2]);
    expect(raft.depth()).to.equal(2);
    await new Promise<void>((resolve) => {
      log.onMessages(([message]) => {
        if (message === 2) resolve();
      });
    });
    expect(raft.depth()).to.equal(0);
    raft.close();
  });

  it("sends no frame for no messages", () => {
    const { raft } = edgePair();
    raft.send([]);
    expect(raft.depth()).to.equal(0);
    raft.close();
  });
});
