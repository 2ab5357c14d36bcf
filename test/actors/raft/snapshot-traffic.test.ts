import { expect } from "chai";
import { describe, it } from "mocha";
import type { SnapshotChunk, SnapshotChunkStored } from "../../../src/actors/protocol/raft-store.ts";
import { SnapshotTraffic } from "../../../src/actors/raft/snapshot-traffic.ts";
import { snapshotAt } from "../support/stepped-raft.ts";

const bytes = new Uint8Array(10);

/** What a promise has come to by now. */
async function soFar<T>(promise: Promise<T>): Promise<T | "waits"> {
  return Promise.race([promise, Promise.resolve("waits" as const)]);
}

describe("snapshot chunks that pass through the raft thread", () => {
  it("that are read are those of the snapshot and the offset that were asked for", async () => {
    const traffic = new SnapshotTraffic(() => undefined);
    const reading = traffic.reader("n2", snapshotAt(9))(0);
    const chunk: SnapshotChunk = {
      kind: "snapshotChunk",
      to: "n2",
      lastIncludedIndex: 9,
      offset: 0,
      bytes,
      last: false,
      found: true,
    };
    traffic.settle({ ...chunk, lastIncludedIndex: 5 });
    traffic.settle({ ...chunk, lastIncludedIndex: 5, found: false });
    traffic.settle({ ...chunk, offset: 10 });
    expect(await soFar(reading)).to.equal("waits");
    traffic.settle(chunk);
    expect(await reading).to.deep.equal({ bytes, last: false });
  });

  it("that are stored are answered by their own verdict", async () => {
    const traffic = new SnapshotTraffic(() => undefined);
    const from = "n2";
    const chunk = { from, snapshot: snapshotAt(9), offset: 20, bytes, last: true };
    const verdict: SnapshotChunkStored = {
      kind: "snapshotChunkStored",
      from,
      lastIncludedIndex: 9,
      offset: 30,
      last: true,
      accepted: true,
    };
    const storing = traffic.store(chunk);
    for (const other of [{ lastIncludedIndex: 5 }, { last: false }, { offset: 20 }]) {
      traffic.settle({ ...verdict, ...other });
      expect(await soFar(storing)).to.equal("waits");
    }
    traffic.settle({ ...verdict, lastIncludedIndex: 5, accepted: false, offset: 0 });
    expect(await soFar(storing)).to.equal("waits");
    traffic.settle(verdict);
    expect(await storing).to.deep.equal({ offset: 30, accepted: true });

    const begunAgain = traffic.store({ ...chunk, last: false });
    traffic.settle({ ...verdict, last: false, offset: 70 });
    expect(await begunAgain, "all up to there is kept already").to.deep.equal({ offset: 70, accepted: true });

    const refused = traffic.store(chunk);
    traffic.settle({ ...verdict, accepted: false, offset: 0 });
    expect(await refused).to.deep.equal({ offset: 0, accepted: false });
  });
});
