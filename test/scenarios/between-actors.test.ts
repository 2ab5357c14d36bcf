/**
 * @module
 * What the actors of one node would get wrong between them if they met in another order. What is handed on twice:
 * `forwards.test.ts`; watches: `watch.test.ts`.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Generation } from "../../src/actors/store/input.ts";
import { emptyMeta, type StateMeta } from "../../src/kv/meta.ts";
import { RowStateView } from "../../src/storage/state/level-state-view.ts";
import { MemoryStateStorage } from "../../src/storage/state/memory-state-storage.ts";
import {
  accepted,
  answersOf,
  linearizable,
  proposals,
  raft,
  Stepper,
  sequencesOf,
  store,
} from "../actors/ingress/stepper.ts";
import { applyMessage, configuration, metadata, put, Stepped } from "../actors/store/support.ts";
import { SteppedRaft, snapshotAt } from "../actors/support/stepped-raft.ts";
import { apply, bytes, del, put as putting } from "../storage/state/support.ts";
import { CoreCluster } from "../support/core-cluster.ts";

const heartbeat = {
  kind: "heartbeatRequest",
  from: "n2",
  to: "n1",
  term: 1,
  leaderCommit: 0,
  readRound: 0,
} as const;

describe("ticks that fire before the sockets are read, after a pause", () => {
  it("count as one, and after what the leader has said meanwhile", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    await raft.hear(heartbeat);
    const ticks = Array.from({ length: 50 }, () => ({ kind: "tick" }) as const);
    await raft.turn(...ticks, { kind: "fromPeer", message: heartbeat, entries: undefined }, ...ticks);
    expect(raft.core).to.include({ role: "follower", leaderId: "n2", currentTerm: 1, electionElapsedTicks: 1 });
  });
});

describe("an entry that others have committed and the own disk has not written", () => {
  it("is not handed to the state machine before it is: the state never outruns its own log", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    const a = cluster.elect("a");
    cluster.propose("a", "x");
    cluster.turn(a);
    for (let round = 0; round < 3; round += 1) {
      for (const message of cluster.network.splice(0)) cluster.deliver(message);
      for (const id of ["b", "c"]) {
        cluster.work(cluster.node(id));
        cluster.turn(cluster.node(id));
      }
      cluster.turn(a);
    }
    const { log } = a.state;
    expect(log.commitIndex).to.equal(log.lastIndex);
    expect(log.persistedIndex).to.be.lessThan(log.lastIndex);
    expect(a.applying).to.deep.equal([]);
    a.persist();
    cluster.turn(a);
    expect(a.applying.map(({ index }) => index)).to.deep.equal([log.lastIndex]);
  });
});

/** What the snapshot makes of the store's state. */
function madeOf(of: Stepped, index: number, term: number): Generation {
  const meta = { ...of.state.meta, appliedIndex: index, appliedTerm: term, revision: 6 };
  return { generation: 2, path: "/state/2", reader: of.storage, meta, configuration };
}

describe("results that an installed snapshot overtakes", () => {
  it("are told as unknown, or asked for again under their key: no request waits for ever, none is called lost", async () => {
    const ingress = new Stepper();
    ingress.lead(5);
    const asked = ingress.turn(ingress.put(), ingress.put(1000, 1, "key"));
    expect(proposals(asked).map(sequencesOf)).to.deep.equal([[1, 2]]);
    ingress.turn(accepted(1, 5));

    // Both commands wait in the store behind a write when the snapshot comes that holds what they did.
    const stepped = new Stepped();
    stepped.raft(applyMessage([put(1, "a", "1", { origin: 9 })]));
    const theirs = [
      put(2, "a", "2", { origin: 5, sequence: 1, term: 5 }),
      put(3, "b", "2", { origin: 5, sequence: 2, term: 5 }),
    ];
    stepped.raft(applyMessage(theirs), { kind: "installSnapshot", snapshot: metadata(9, 5) });
    await stepped.finishWrite();
    const ready = stepped.step({ kind: "built", generation: madeOf(stepped, 9, 5) });
    const told = ingress.turn(store(...ready.toIngress));
    expect(answersOf(told)).to.deep.equal(["1 LEADERSHIP_LOST"]);
    expect(proposals(told).map(sequencesOf)).to.deep.equal([[2]]);

    const entered = stepped.step({ kind: "ingress", message: { kind: "generationEntered", generation: 2 } });
    const after = ingress.turn(store(...entered.toIngress));
    expect(answersOf(after)).to.deep.equal([]);
    expect(proposals(after)).to.deep.equal([]);
  });
});

describe("a state that is swapped under its readers", () => {
  it("is not shown as applied before they read the new one: no read that waits for it is answered from the old", async () => {
    const ingress = new Stepper();
    ingress.lead(5);
    const [ask] = ingress.turn(ingress.ask(linearizable)).toRaft;
    if (ask?.kind !== "readIndex") throw new Error("a read index was asked for");
    expect(answersOf(ingress.turn(raft({ kind: "readGranted", readId: ask.readId, readIndex: 9 })))).to.deep.equal([]);

    const stepped = new Stepped();
    const shown: number[] = [];
    const note = ({ applied }: { readonly applied: StateMeta | null }): void => {
      if (applied !== null) shown.push(applied.appliedIndex);
    };
    note(stepped.raft({ kind: "installSnapshot", snapshot: metadata(9, 5) }));
    const ready = stepped.step({ kind: "built", generation: madeOf(stepped, 9, 5) });
    note(ready);
    const opening = ingress.turn(store(...ready.toIngress));
    expect(opening.openView).to.deep.equal({ generation: 2, path: "/state/2" });
    expect(answersOf(opening)).to.deep.equal([]);
    expect(opening.toStore, "it has not entered yet").to.deep.equal([]);
    expect(shown).to.deep.equal([]);

    const opened = ingress.turn({ kind: "viewOpened", generation: 2 });
    expect(opened.toStore).to.deep.equal([{ kind: "generationEntered", generation: 2 }]);
    expect(answersOf(opened)).to.deep.equal([]);
    const entered = stepped.step({ kind: "ingress", message: { kind: "generationEntered", generation: 2 } });
    note(entered);
    expect(shown).to.deep.equal([9]);
    expect(answersOf(ingress.turn(store(...entered.toIngress)))).to.deep.equal(["1 readable"]);
  });
});

describe("a value and a revision of two moments", () => {
  it("are never one answer: whatever is written, shown and dropped while a row is read, the key was so then", async () => {
    // Of key a: 1 at the revisions 1 and 2, 2 at 3 and 4, nothing from 5 on, 3 at 7 and after.
    const log = [
      putting("a", "1"),
      putting("b", "1"),
      putting("a", "2"),
      putting("b", "2"),
      del("a"),
      putting("b", "3"),
      putting("a", "3"),
      putting("b", "4"),
    ];
    const valueAt = ["", "1", "1", "2", "2", "", "", "3", "3"];
    let compared = 0;
    for (let shown = 0; shown <= log.length; shown += 1) {
      for (let written = shown; written <= log.length; written += 1) {
        const storage = new MemoryStateStorage();
        let { meta }: { meta: StateMeta } = { meta: emptyMeta };
        const writeTo = async (count: number): Promise<void> => {
          if (count > meta.appliedIndex) meta = (await apply(storage, meta, log.slice(meta.appliedIndex, count))).meta;
        };
        await writeTo(written);
        const cells = { get: (cell: string) => (cell === "revisionApplied" ? shown : 0) };
        const view = new RowStateView(
          (key) => storage.get(key),
          cells,
          async () => undefined,
          () => storage.moment(),
        );
        const { revision, record } = view.read(bytes("a"));
        const value = record === undefined ? "" : new TextDecoder().decode(record.value);
        expect(revision).to.be.within(shown, written);
        expect(value, `${shown} shown, ${written} written`).to.equal(valueAt[revision]);
        compared += 1;
      }
    }
    expect(compared).to.equal(45);
  });
});
