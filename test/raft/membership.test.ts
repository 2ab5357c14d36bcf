import { expect } from "chai";
import { describe, it } from "mocha";
import { progressOfMember } from "../../src/raft/commit.ts";
import { changeByItself, onConfigurationApplied, recounted } from "../../src/raft/membership.ts";
import { isRemoved } from "../../src/raft/removal.ts";
import type { Member } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, configurationOf, memberOf } from "../support/core-node.ts";

const window = { messagesMax: 4, bytesMax: 100 };

describe("a change of members that takes effect", () => {
  it("commits at once what the members that are left hold", () => {
    const cluster = new CoreCluster(["a", "b"]);
    const a = cluster.elect("a");
    cluster.loses = (message) =>
      message.kind === "appendEntriesRequest" && message.entries.some(({ kind }) => kind === "command");
    cluster.change("a", { steps: [{ kind: "remove", nodeId: "b" }], transition: "auto" });
    cluster.turn(a);
    cluster.propose("a", "x");
    cluster.settle();
    expect(a.state.configuration.voters).to.deep.equal(["a"]);
    expect(a.commands).to.deep.equal(["x"]);
  });

  it("ends a transfer to who is no voter any more, and to nobody else", () => {
    const { state } = new CoreCluster(["a", "b", "c"]).elect("a");
    state.transferee = "b";
    const update = { kind: "update", nodeId: "b", member: memberOf("b") } as const;
    onConfigurationApplied(state, { steps: [update], transition: "auto" });
    expect(state.transferee).to.equal("b");
    onConfigurationApplied(state, { steps: [{ kind: "remove", nodeId: "b" }], transition: "auto" });
    expect(state.transferee).to.equal(null);
  });

  it("makes a member of one that was none, which is removed when it is taken out again, not before", () => {
    const { state } = new CoreCluster(["d"], {}, configurationOf(["a", "b"])).node("d");
    expect(isRemoved(state), "it has yet to join").to.equal(false);
    onConfigurationApplied(state, {
      steps: [{ kind: "addLearner", nodeId: "d", member: memberOf("d") }],
      transition: "auto",
    });
    expect(isRemoved(state)).to.equal(false);
    onConfigurationApplied(state, { steps: [{ kind: "remove", nodeId: "d" }], transition: "auto" });
    expect(isRemoved(state)).to.equal(true);
  });

  it("keeps what is known of those who stay, and begins with a new one at the end of the log, at once", () => {
    const known = recounted(configurationOf(["a", "b"]), [], { lastIndex: 7, window });
    for (const progress of known) {
      expect(progress).to.include({ kind: "probe", matchIndex: 0, nextIndex: 7, recentActive: true, due: "entries" });
    }
    const more = recounted(configurationOf(["b", "c"]), known, { lastIndex: 0, window });
    expect(more.map(({ id }) => id)).to.deep.equal(["b", "c"]);
    expect(more[0]).to.equal(known[1]);
    expect(more[1]).to.include({ nextIndex: 1 });
  });
});

describe("a learner that is meant to vote", () => {
  /** A leader of a, with a learner b, and a log of 2000 entries that are committed. */
  function withLearner(standing: Member["standing"]): CoreNode {
    const cluster = new CoreCluster(["a"]);
    const a = cluster.elect("a");
    const step = { kind: "addLearner", nodeId: "b", member: memberOf("b", standing) } as const;
    cluster.change("a", { steps: [step], transition: "auto" });
    for (let text = 0; text < 1998; text += 1) cluster.propose("a", "x");
    cluster.settle();
    expect(a.state.log.commitIndex).to.equal(2000);
    expect(a.state.configuration.learners).to.deep.equal(["b"]);
    const progress = progressOfMember(a.state, "b");
    Object.assign(progress ?? {}, { kind: "replicate", recentActive: true, matchIndex: 1000, nextIndex: 1001 });
    return a;
  }

  it("is promoted once it is a thousand entries behind, no more", () => {
    const a = withLearner("voter");
    Object.assign(progressOfMember(a.state, "b") ?? {}, { matchIndex: 999 });
    changeByItself(a.state);
    expect(a.state.log.lastIndex).to.equal(2000);
    Object.assign(progressOfMember(a.state, "b") ?? {}, { matchIndex: 1000 });
    changeByItself(a.state);
    expect(a.state.log.lastIndex).to.equal(2001);
    const entry = a.state.log.tail.at(-1);
    expect(entry?.kind === "configuration" ? entry.change.steps : []).to.deep.equal([
      { kind: "addVoter", nodeId: "b", member: memberOf("b") },
    ]);
    changeByItself(a.state);
    expect(a.state.log.lastIndex, "one change at a time").to.equal(2001);
  });

  for (const [what, hinder] of [
    ["is silent", (a: CoreNode) => Object.assign(progressOfMember(a.state, "b") ?? {}, { recentActive: false })],
    ["is still probed", (a: CoreNode) => Object.assign(progressOfMember(a.state, "b") ?? {}, { kind: "probe" })],
    ["joins while the lead is handed over", (a: CoreNode) => Object.assign(a.state, { transferee: "b" })],
    ["joins while the leader leaves", (a: CoreNode) => Object.assign(a.state, { leavingIndex: 2000 })],
    ["joins one that does not lead", (a: CoreNode) => Object.assign(a.state, { role: "follower" })],
  ] as const)
    it(`is not promoted when it ${what}`, () => {
      const a = withLearner("voter");
      hinder(a);
      changeByItself(a.state);
      expect(a.state.log.lastIndex).to.equal(2000);
    });

  it("is one by its standing: another stays a learner", () => {
    const a = withLearner("learner");
    changeByItself(a.state);
    expect(a.state.log.lastIndex).to.equal(2000);
  });
});
