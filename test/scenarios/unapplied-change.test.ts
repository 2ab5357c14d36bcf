/**
 * @module
 * A change of members that is committed, in the log of one who does not know it: who counts with members who are gone
 * must hear of it from those who count without them.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { CampaignMessage } from "../../src/raft/message.ts";
import { termAt } from "../../src/raft/term-runs.ts";
import type { EntryId } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf, memberOf } from "../support/core-node.ts";

/** Of a and c, which take in b. b misses the last entry; a comes back without its state; c does not come back. */
function afterLosingC(): CoreCluster {
  const cluster = new CoreCluster(["a", "c"]);
  cluster.elect("c");
  cluster.add("b", configurationOf(["a", "c"]));
  cluster.change("c", { steps: [{ kind: "addVoter", nodeId: "b", member: memberOf("b") }], transition: "auto" });
  cluster.tick(3);
  cluster.isolate("b");
  cluster.propose("c", "x");
  cluster.settle();
  cluster.heal();
  for (const id of ["a", "c"]) cluster.node(id).crash();
  cluster.node("a").restart({ rebuilt: true });
  return cluster;
}

describe("a voter that comes back with a committed change it has not applied", () => {
  it("hears of it from one with the shorter log, and is elected though an old member is gone", () => {
    const cluster = afterLosingC();
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    cluster.settle();
    expect(a.state.configuration.voters).to.deep.equal(["a", "c"]);
    expect(b.state.configuration.voters).to.deep.equal(["a", "b", "c"]);
    expect(b.state.log.lastIndex).to.be.below(a.state.log.lastIndex);

    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
    expect(a.state.configuration.voters).to.deep.equal(["a", "b", "c"]);
    expect(b.commands).to.deep.equal(["x"]);
  });

  it("hears of it from every message of a campaign, of whatever term, granted or not", () => {
    for (const message of campaignMessages) {
      const cluster = afterLosingC();
      const { state } = cluster.node("a");
      cluster.settle();
      const [index, term] = [cluster.node("b").state.log.commitIndex, state.currentTerm];
      expect(state.log.commitIndex).to.be.below(index);
      const committed = { index, term: termAt(state.log, index) ?? 0 };
      cluster.deliver({ ...message, from: "b", to: "a", term: term - 1, committed });
      expect(state.log.commitIndex, message.kind).to.equal(index);
    }
  });

  it("takes nothing for committed that its log does not hold", () => {
    const cluster = afterLosingC();
    const { state } = cluster.node("a");
    cluster.settle();
    const { commitIndex, lastIndex } = state.log;
    const lastTerm = termAt(state.log, lastIndex) ?? 0;
    const others: EntryId[] = [
      { index: lastIndex, term: lastTerm - 1 },
      { index: lastIndex, term: lastTerm + 1 },
      { index: lastIndex + 1, term: lastTerm },
      { index: commitIndex - 1, term: termAt(state.log, commitIndex - 1) ?? 0 },
    ];
    for (const committed of others) {
      for (const message of campaignMessages) {
        cluster.deliver({ ...message, from: "b", to: "a", term: state.currentTerm, committed });
        expect(state.log.commitIndex, JSON.stringify(committed)).to.equal(commitIndex);
      }
    }
  });
});

type Unaddressed<Message> = Message extends CampaignMessage
  ? Omit<Message, "from" | "to" | "term" | "committed">
  : never;

const campaignMessages: readonly Unaddressed<CampaignMessage>[] = [
  { kind: "preVoteRequest", lastLogIndex: 1, lastLogTerm: 1 },
  { kind: "preVoteResponse", voteGranted: false },
  { kind: "requestVoteRequest", lastLogIndex: 1, lastLogTerm: 1, leadershipTransfer: false },
  { kind: "requestVoteResponse", voteGranted: false },
];
