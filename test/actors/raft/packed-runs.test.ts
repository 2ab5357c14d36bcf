import { expect } from "chai";
import { describe, it } from "mocha";
import { PackedRuns } from "../../../src/actors/raft/packed-runs.ts";
import type { Entry } from "../../../src/raft/types.ts";

function entryAt(index: number, commandBytes: number): Entry {
  return { kind: "command", term: 1, index, time: 0, command: new Uint8Array(commandBytes) };
}

describe("packed runs", () => {
  it("are packed once, while they are remembered", () => {
    const runs = new PackedRuns({ runsMax: 2, bytesMax: 1e6 });
    const entries = [1, 2, 3].map((index) => [entryAt(index, 10)]);
    const [first, second, third] = entries.map((run) => runs.pack(run));
    expect(runs.pack(entries[2] ?? [])).to.equal(third);
    expect(runs.pack(entries[1] ?? [])).to.equal(second);
    const again = runs.pack(entries[0] ?? []);
    expect(again).to.not.equal(first);
    expect(again).to.deep.equal(first);
  });

  it("take no more bytes than their bound, but the newest is always there", () => {
    const runs = new PackedRuns({ runsMax: 256, bytesMax: 2500 });
    const entries = [1, 2, 3].map((index) => [entryAt(index, 1000)]);
    const [first, , third] = entries.map((run) => runs.pack(run));
    expect(runs.pack(entries[2] ?? [])).to.equal(third);
    expect(runs.pack(entries[0] ?? [])).to.not.equal(first);
    const large = [entryAt(4, 5000)];
    expect(runs.pack(large)).to.equal(runs.pack(large));
  });

  it("count a run that is packed anew in place of the old one", () => {
    const runs = new PackedRuns({ runsMax: 256, bytesMax: 2500 });
    const kept = [entryAt(1, 1000)];
    const bytes = runs.pack(kept);
    for (let times = 0; times < 10; times += 1) runs.pack([entryAt(2, 1000)]);
    expect(runs.pack(kept)).to.equal(bytes);
  });
});
