import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, createBoardMemory } from "../../../src/actor/board.ts";
import type { ActorContext, ActorName, RunningActor } from "../../../src/actor/context.ts";
import { Edge } from "../../../src/actor/edge.ts";
import type { StoreConfig } from "../../../src/actors/protocol/config.ts";
import type { RaftToStore, StoreToRaft } from "../../../src/actors/protocol/raft-store.ts";
import type { IngressToStore, StoreToIngress } from "../../../src/actors/protocol/store-ingress.ts";
import { startStore } from "../../../src/actors/store/start.ts";
import type { SnapshotMetadata } from "../../../src/raft/types.ts";
import { LevelStateView } from "../../../src/storage/state/level-state-view.ts";
import { cleansUp, cleanUp, TestKeeper, temporaryDirectory } from "../../storage/state/support.ts";
import { applyMessage, bytes, configuration, configurationAt, origin, put } from "./support.ts";

/** The other end of an edge: what came, and a wait for what is to come. */
class Peer<Received extends { readonly kind: string }, Sent> {
  readonly edge: Edge<Received, Sent>;
  readonly #received: Received[] = [];
  #changed: () => void = () => undefined;

  constructor(edge: Edge<Received, Sent>) {
    this.edge = edge;
    edge.onMessages((messages) => {
      this.#received.push(...messages);
      this.#changed();
    });
  }

  /** The next message of that kind that meets the condition; those before it are dropped. */
  async next<Kind extends Received["kind"]>(
    kind: Kind,
    is: (message: Extract<Received, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<Received, { kind: Kind }>> {
    for (;;) {
      for (let message = this.#received.shift(); message !== undefined; message = this.#received.shift())
        if (message.kind === kind && is(message as Extract<Received, { kind: Kind }>))
          return message as Extract<Received, { kind: Kind }>;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

interface Harness {
  readonly raft: Peer<StoreToRaft, RaftToStore>;
  readonly ingress: Peer<StoreToIngress, IngressToStore>;
  readonly board: Board;
  readonly keeper: TestKeeper;
  readonly failures: unknown[];
  readonly stop: () => Promise<void>;
}

async function start(directory: string, historyBytesMax = 1e9): Promise<Harness> {
  const board = new Board(createBoardMemory());
  const keeper = new TestKeeper();
  const failures: unknown[] = [];
  const toRaft = new MessageChannel();
  const toIngress = new MessageChannel();
  const own: Partial<Record<ActorName, MessageChannel>> = { raft: toRaft, ingress: toIngress };
  const config: StoreConfig = {
    identity: { nodeId: "n1", clusterId: "c", incarnation: "i" },
    stateDirectory: join(directory, "state"),
    snapshotDirectory: join(directory, "snapshots"),
    origin,
    historyBytesMax,
  };
  const context: ActorContext<StoreConfig> = {
    name: "store",
    config,
    board,
    edge: <Received, Sent>(peer: ActorName) => {
      const port = own[peer]?.port1;
      if (port === undefined) throw new Error(`no edge to ${peer}`);
      return new Edge<Received, Sent>(port, board, "store", peer);
    },
    supervisor: {
      keep: (path) => keeper.keep(path),
      release: (path) => keeper.release(path),
      listening: () => undefined,
      log: () => undefined,
    },
    fail: (cause) => failures.push(cause),
  };
  const raft = new Peer<StoreToRaft, RaftToStore>(new Edge(toRaft.port2, board, "raft", "store"));
  const ingress = new Peer<StoreToIngress, IngressToStore>(new Edge(toIngress.port2, board, "ingress", "store"));
  const running: RunningActor = await startStore(context);
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await running.stop();
    raft.edge.close();
    ingress.edge.close();
  };
  cleanUp(stop);
  return { raft, ingress, board, keeper, failures, stop };
}

function puts(from: number, to: number): RaftToStore {
  return applyMessage(
    Array.from({ length: to - from }, (_, offset) => put(from + offset, `key ${(from + offset) % 40}`, `${from}`)),
  );
}

/** A store of entries up to 599, and its snapshot. */
async function startWithSnapshot(): Promise<{ leader: Harness; snapshot: SnapshotMetadata; fileBytes: number }> {
  const leader = await start(await temporaryDirectory());
  leader.raft.edge.send([applyMessage([configurationAt(1)], [configuration]), puts(2, 600)]);
  await leader.raft.next("applied", ({ index }) => index === 599);
  leader.raft.edge.send([{ kind: "takeSnapshot" }]);
  const { snapshot, bytes: fileBytes } = await leader.raft.next("snapshotTaken");
  if (snapshot === null) throw new Error("there is something new");
  return { leader, snapshot, fileBytes };
}

/** Gives the bytes that were received. */
async function transfer(leader: Harness, follower: Harness, snapshot: SnapshotMetadata): Promise<number> {
  const { lastIncludedIndex, lastIncludedTerm } = snapshot;
  for (let offset = 0; ; ) {
    leader.raft.edge.send([
      { kind: "readSnapshotChunk", to: "n2", lastIncludedIndex, lastIncludedTerm, offset, bytesMax: 1000 },
    ]);
    const chunk = await leader.raft.next("snapshotChunk");
    expect(chunk.found).to.equal(true);
    const { bytes: chunkBytes, last } = chunk;
    follower.raft.edge.send([{ kind: "storeSnapshotChunk", from: "n1", snapshot, offset, bytes: chunkBytes, last }]);
    const stored = await follower.raft.next("snapshotChunkStored");
    expect(stored).to.include({ accepted: true, last });
    offset = stored.offset;
    if (last) return offset;
  }
}

describe("the store on its thread", () => {
  cleansUp();

  it("applies, answers, shows itself on the board, and continues after a restart", async () => {
    const directory = await temporaryDirectory();
    const first = await start(directory);
    expect((await first.raft.next("opened")).appliedIndex).to.equal(0);
    const { path } = await first.ingress.next("generationReady");
    const view = await LevelStateView.open(path, first.board);
    first.raft.edge.send([applyMessage([configurationAt(1), put(2, "a", "1")], [configuration]), puts(3, 50)]);
    await first.raft.next("applied", ({ index }) => index === 49);
    expect(first.board.get("appliedIndex")).to.equal(49);
    expect(first.board.get("revisionApplied")).to.equal(48);
    expect(first.board.get("revisionApplying")).to.equal(48);
    expect(new TextDecoder().decode(view.read(bytes("a")).record?.value)).to.equal("1");
    const stateHash = first.board.get("stateHash");
    await view.close();
    await first.stop();
    expect(first.keeper.paths).to.deep.equal([]);

    const second = await start(directory);
    const opened = await second.raft.next("opened");
    expect(opened.appliedIndex).to.equal(49);
    expect(opened.configuration).to.deep.equal(configuration);
    expect(second.board.get("stateHash")).to.equal(stateHash);
    expect(second.failures).to.deep.equal([]);
  });

  it("hands its snapshot to another node, which installs it while its reader reads on", async () => {
    const { leader, snapshot, fileBytes } = await startWithSnapshot();
    expect(snapshot).to.include({ lastIncludedIndex: 599, lastIncludedTerm: 1 });

    const directory = await temporaryDirectory();
    const follower = await start(directory);
    const ready = await follower.ingress.next("generationReady");
    const oldView = await LevelStateView.open(ready.path, follower.board);
    follower.raft.edge.send([applyMessage([put(1, "only here", "x")])]);
    await follower.raft.next("applied");

    expect(await transfer(leader, follower, snapshot)).to.equal(fileBytes);

    follower.raft.edge.send([{ kind: "installSnapshot", snapshot }]);
    const next = await follower.ingress.next("generationReady");
    expect(next.overtakenTerm).to.equal(1);
    expect(follower.board.get("appliedIndex")).to.equal(1);
    expect(oldView.read(bytes("only here")).record).to.not.equal(undefined);
    const newView = await LevelStateView.open(next.path, follower.board);
    await oldView.close();
    follower.ingress.edge.send([{ kind: "generationEntered", generation: next.generation }]);
    await follower.raft.next("snapshotInstalled");
    expect(follower.board.get("appliedIndex")).to.equal(599);
    expect(follower.board.get("stateHash")).to.equal(leader.board.get("stateHash"));
    expect(newView.read(bytes("only here")).record).to.equal(undefined);
    expect(newView.read(bytes("key 3")).record?.modRevision).to.equal(562);

    for (const node of [leader, follower]) {
      node.raft.edge.send([puts(600, 620)]);
      await node.raft.next("applied", ({ index }) => index === 619);
    }
    expect(follower.board.get("stateHash")).to.equal(leader.board.get("stateHash"));
    await newView.close();
    await follower.stop();
    expect((await readdir(join(directory, "state"))).sort()).to.deep.equal([String(next.generation), "CURRENT"]);
    expect([...leader.failures, ...follower.failures]).to.deep.equal([]);
  });

  for (const damage of ["none", "CURRENT"] as const)
    it(`stands where it stood when a snapshot came and was never installed (damage: ${damage})`, async () => {
      const { leader, snapshot } = await startWithSnapshot();
      const directory = await temporaryDirectory();
      const first = await start(directory);
      first.raft.edge.send([applyMessage([put(1, "only here", "x")])]);
      await first.raft.next("applied");
      await transfer(leader, first, snapshot);
      await first.stop();
      if (damage === "CURRENT") await rm(join(directory, "state", "CURRENT"));

      const second = await start(directory);
      expect((await second.raft.next("opened")).appliedIndex).to.equal(damage === "none" ? 1 : 0);
      expect(await readdir(join(directory, "snapshots")), "the log may start after it").to.have.length(1);
      second.raft.edge.send([{ kind: "keepSnapshot", snapshot: null }]);
      // The store does one after the other: once this chunk is refused, what was to be removed is.
      second.raft.edge.send([
        { kind: "storeSnapshotChunk", from: "n1", snapshot, offset: 7, bytes: bytes("x"), last: false },
      ]);
      expect(await second.raft.next("snapshotChunkStored")).to.include({ accepted: false });
      expect(await readdir(join(directory, "snapshots"))).to.deep.equal([]);
      expect(second.failures).to.deep.equal([]);
    });

  it("installs after a restart what it had received, when the log starts after it by then", async () => {
    const { leader, snapshot } = await startWithSnapshot();
    const directory = await temporaryDirectory();
    const first = await start(directory);
    await transfer(leader, first, snapshot);
    await first.stop();
    const second = await start(directory);
    expect((await second.raft.next("opened")).appliedIndex).to.equal(0);
    second.raft.edge.send([{ kind: "installSnapshot", snapshot }]);
    const ready = await second.ingress.next("generationReady", ({ overtakenTerm }) => overtakenTerm === 1);
    second.ingress.edge.send([{ kind: "generationEntered", generation: ready.generation }]);
    await second.raft.next("snapshotInstalled");
    expect(second.board.get("stateHash")).to.equal(leader.board.get("stateHash"));
    expect(await readdir(join(directory, "snapshots"))).to.deep.equal(["599-1.snap"]);
    await second.stop();
    const third = await start(directory);
    expect(await third.raft.next("opened")).to.include({ appliedIndex: 599, appliedTerm: 1 });
  });

  it("says so when there is no such snapshot any more", async () => {
    const node = await start(await temporaryDirectory());
    node.raft.edge.send([
      { kind: "readSnapshotChunk", to: "n2", lastIncludedIndex: 5, lastIncludedTerm: 1, offset: 0, bytesMax: 10 },
    ]);
    expect(await node.raft.next("snapshotChunk")).to.include({ found: false, last: false });
  });

  it("fails its node when the snapshot to install is not there", async () => {
    const node = await start(await temporaryDirectory());
    const snapshot = { lastIncludedIndex: 5, lastIncludedTerm: 1, lastIncludedTime: 1, configuration };
    node.raft.edge.send([{ kind: "installSnapshot", snapshot }]);
    while (node.failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(String(node.failures[0])).to.contain("5-1.snap");
    expect(node.board.get("appliedIndex")).to.equal(0);
  });

  it("keeps its history within its bound while it leads, and takes deleted keys away with it", async () => {
    const node = await start(await temporaryDirectory(), 20_000);
    node.raft.edge.send([{ kind: "leading", leading: true, term: 1 }]);
    let next = 1;
    for (let round = 1; round <= 10; round++) {
      node.raft.edge.send([{ kind: "time", term: 1, time: round * 10_000 }, puts(next, next + 300)]);
      next += 300;
      const { command } = await node.raft.next("storeProposal");
      node.raft.edge.send([applyMessage([{ kind: "command", index: next, term: 1, time: next, command }])]);
      await node.raft.next("applied", ({ index }) => index === next);
      next++;
    }
    expect(node.board.get("compactedRevision")).to.be.above(1000);
    expect(node.failures).to.deep.equal([]);
  });
});
