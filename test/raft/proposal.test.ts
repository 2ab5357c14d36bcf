import { expect } from "chai";
import { describe, it } from "mocha";
import { wireIdsOfSeries } from "../../src/raft/state.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { bytesOfText } from "../support/core-node.ts";

describe("what a leader remembers of the proposals that were handed to it", () => {
  it("is the last one of each of 1024 series, and no more however many processes come and go", () => {
    const cluster = new CoreCluster(["a", "b"]);
    const a = cluster.elect("a");
    const { lastIds } = a.state.takenForwards;
    const hand = (series: number, place: number): number => {
      const before = a.state.log.lastIndex;
      const proposal = { kind: "commands", commands: [bytesOfText(`${series} ${place}`)] } as const;
      const message = { kind: "forwardedProposal", from: "b", to: "a", term: 1, proposal } as const;
      a.step({ kind: "receive", message: { ...message, proposalId: series * wireIdsOfSeries + place } });
      return a.state.log.lastIndex - before;
    };
    for (let series = 0; series < 1024; series += 1) expect(hand(series, 5)).to.equal(1);
    expect(lastIds.size).to.equal(1024);
    expect(hand(0, 5), "it is known").to.equal(0);
    expect(hand(2000, 0)).to.equal(1);
    expect(lastIds.size).to.equal(1024);
    expect(hand(1, 5), "so is the second").to.equal(0);
    expect([...lastIds.keys()].slice(0, 2)).to.deep.equal(["b 1", "b 2"]);
    expect(hand(2000, 1)).to.equal(1);
    expect(lastIds.size).to.equal(1024);
  });
});
