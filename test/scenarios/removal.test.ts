/**
 * @module
 * Members that leave: nobody is left behind without a leader, and who was removed learns of it.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { refusalOf } from "../../src/raft/configuration.ts";
import type { Message } from "../../src/raft/message.ts";
import { statusOf } from "../../src/raft/status.ts";
import type { ConfigurationChange, ConfigurationStep } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf, memberOf } from "../support/core-node.ts";

function removal(nodeId: string): ConfigurationChange {
  return { steps: [{ kind: "remove", nodeId }], transition: "auto" };
}

function addition(nodeId: string): ConfigurationChange {
  return { steps: [{ kind: "addVoter", nodeId, member: memberOf(nodeId) }], transition: "auto" };
}

/** Does the message tell that `index` is committed? */
function tellsOfCommit(message: Message, index: number): boolean {
  switch (message.kind) {
    case "appendEntriesRequest":
    case "heartbeatRequest":
      return message.leaderCommit >= index;
    default:
      return false;
  }
}

/** Leader `a` of two has applied its own removal, and `b` has the entry but does not know that it is committed. */
function removedUnknownToTheOther(): CoreCluster {
  const cluster = new CoreCluster(["a", "b"]);
  cluster.elect("a");
  const index = cluster.node("a").state.log.lastIndex + 1;
  cluster.loses = (message) => tellsOfCommit(message, index);
  cluster.change("a", removal("a"));
  cluster.settle();
  expect(cluster.node("a").state.configuration.voters).to.deep.equal(["b"]);
  expect(cluster.node("b").state.log.lastIndex).to.equal(index);
  expect(cluster.node("b").state.configuration.voters).to.deep.equal(["a", "b"]);
  return cluster;
}

describe("a removed leader that falls before the others know of it", () => {
  it("holds a log that the others cannot outvote, and comes back to take its leave", () => {
    const cluster = removedUnknownToTheOther();
    const a = cluster.node("a");
    expect(a.state.log.lastIndex).to.be.greaterThan(cluster.node("b").state.log.lastIndex);
    a.crash();
    cluster.heal();
    cluster.tick(50);
    expect(cluster.leaders, "b alone still counts a, and a does not answer").to.deep.equal([]);

    a.restart();
    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    expect(cluster.node("b").state.configuration.voters).to.deep.equal(["b"]);
    expect(a.state.role).to.equal("follower");
    cluster.propose("b", "goes on");
    cluster.settle();
    expect(cluster.node("b").commands).to.deep.equal(["goes on"]);
  });

  it("also when commands of before it applied the change are all that it is ahead by", () => {
    const cluster = new CoreCluster(["a", "b"]);
    const a = cluster.elect("a");
    const index = a.state.log.lastIndex + 1;
    cluster.change("a", removal("a"));
    cluster.turn(a);
    cluster.loses = ({ kind, to }) => kind === "appendEntriesRequest" && to === "b";
    const arriving = cluster.network;
    cluster.network = [];
    for (const message of arriving) cluster.deliver(message);
    cluster.propose("a", "only here");
    // The change is applied, and the process ends before the farewell is on its disk.
    while (a.state.log.appliedIndex < index) {
      for (const node of cluster.nodes) {
        cluster.turn(node);
        cluster.work(node);
      }
      const answers = cluster.network;
      cluster.network = [];
      for (const message of answers) cluster.deliver(message);
    }
    a.crash();
    expect(a.disk.entries.at(-1)?.kind).to.equal("command");
    cluster.heal();
    a.restart();
    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    // b hears from a that the change is committed, and leads by its own vote: the command was nobody's but a's.
    expect(cluster.node("b").commands).to.deep.equal([]);
    expect(cluster.node("b").state.configuration.voters).to.deep.equal(["b"]);
  });

  it("who has its farewell on disk knows the change, though the state was lost and the leader is gone for good", () => {
    const cluster = new CoreCluster(["a", "b"]);
    cluster.elect("a");
    cluster.change("a", removal("a"));
    // What a says when it hands over is lost, and it never says anything again.
    cluster.loses = ({ kind }) => kind === "timeoutNowRequest";
    cluster.settle();
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    a.crash();
    b.crash(Number.POSITIVE_INFINITY);
    b.disk.applied = [];
    b.disk.appliedIndex = 0;
    b.disk.configuration = configurationOf(["a", "b"]);
    b.restart();
    cluster.tick(40);
    expect(b.state.role).to.equal("leader");
    expect(b.state.configuration.voters).to.deep.equal(["b"]);
  });

  it("a leader that was removed and reaches nobody steps down, and leads again only to take its leave", () => {
    const cluster = removedUnknownToTheOther();
    const a = cluster.node("a");
    cluster.isolate("a");
    cluster.tick(25);
    expect(a.state.role).to.not.equal("leader");
    cluster.heal();
    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["b"]);
    expect(cluster.node("b").state.configuration.voters).to.deep.equal(["b"]);
  });
});

describe("a removed node", () => {
  function removedUnheard(): CoreCluster {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.isolate("c");
    cluster.change("a", removal("c"));
    cluster.settle();
    cluster.heal();
    return cluster;
  }

  it("that never heard of its removal is told when it campaigns, says so, and campaigns no more", () => {
    const cluster = removedUnheard();
    const c = cluster.node("c");
    const { currentTerm } = cluster.node("a").state;
    expect(statusOf(c.state).removed).to.equal(false);
    cluster.tick(40);
    expect(statusOf(c.state)).to.deep.include({ removed: true, role: "follower" });

    const campaigns: Message[] = [];
    cluster.loses = (message) => {
      if (message.from === "c") campaigns.push(message);
      return false;
    };
    cluster.tick(60);
    expect(campaigns).to.deep.equal([]);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["a"]);
    expect(cluster.node("a").state.currentTerm).to.equal(currentTerm);
  });

  it("that was removed while it could hear knows by what it applied", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.change("a", removal("c"));
    cluster.settle();
    // The last that it was sent did not say that the change is committed.
    cluster.tick(40);
    expect(statusOf(cluster.node("c").state).removed).to.equal(true);
    expect(statusOf(cluster.node("b").state).removed).to.equal(false);
  });

  it("that is a learner, and never campaigns, is told when it asks for a read", () => {
    const cluster = new CoreCluster(["a", "b"], {}, configurationOf(["a", "b"], ["l"]));
    const l = cluster.add("l", configurationOf(["a", "b"], ["l"]));
    cluster.elect("a");
    cluster.isolate("l");
    cluster.change("a", removal("l"));
    cluster.settle();
    cluster.heal();
    expect(l.state.leaderId).to.equal("a");
    l.step({ kind: "readIndex", readId: 1 });
    cluster.settle();
    expect(statusOf(l.state).removed).to.equal(true);
  });

  it("that is added again is a member again", () => {
    const cluster = removedUnheard();
    cluster.tick(40);
    expect(statusOf(cluster.node("c").state).removed).to.equal(true);
    cluster.change("a", addition("c"), 2);
    cluster.tick(5);
    expect(statusOf(cluster.node("c").state).removed).to.equal(false);
    cluster.node("a").crash();
    cluster.tick(60);
    expect(cluster.leaders).to.have.length(1);
  });

  it("that is added again heeds no late notice of before that, once it has applied more, though no leader is left", () => {
    const cluster = removedUnheard();
    const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
    const late: Message[] = [];
    cluster.loses = (message) => message.kind === "removalNotice" && late.push(message) > 0;
    cluster.tick(40);
    expect(late).to.not.deep.equal([]);
    c.executes = false;
    cluster.change("a", addition("c"), 2);
    cluster.settle();
    expect(b.state.configuration.voters).to.deep.equal(["a", "b", "c"]);
    // b cannot lead, for c alone has all that is committed.
    cluster.loses = ({ kind, to }) => kind === "appendEntriesRequest" && to === "b";
    cluster.propose("a", "by a and c");
    cluster.settle();
    expect(a.commands).to.deep.equal(["by a and c"]);

    a.crash();
    cluster.heal();
    for (const message of late) cluster.deliver(message);
    expect(statusOf(c.state).removed, "as far as it can know").to.equal(true);
    c.executes = true;
    cluster.tick(60);
    expect(cluster.leaders.map(({ id }) => id)).to.deep.equal(["c"]);
    expect(c.commands).to.deep.equal(["by a and c"]);
  });

  it("is not made of one that others have yet to hear of", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.isolate("c");
    const d = cluster.add("d", configurationOf(["a", "b", "c"]));
    cluster.change("a", addition("d"));
    cluster.tick(5);
    expect(d.state.configuration.voters).to.include("d");
    // Only c is left, whose members are those of before d came.
    cluster.loses = ({ from, to }) => !["c", "d"].includes(from) || !["c", "d"].includes(to);
    let notices = 0;
    const loses = cluster.loses;
    cluster.loses = (message) => {
      if (message.kind === "removalNotice") notices += 1;
      return loses(message);
    };
    cluster.tick(40);
    expect(notices).to.be.greaterThan(0);
    expect(statusOf(d.state).removed).to.equal(false);
  });
});

describe("two joins of one id at two nodes", () => {
  const abc = configurationOf(["a", "b", "c"]);
  const learn: ConfigurationStep = { kind: "addLearner", nodeId: "c", member: memberOf("c") };

  it("do not take the vote of who has been promoted meanwhile", () => {
    expect(refusalOf(abc, { steps: [learn], transition: "auto" })).to.equal("invalidConfiguration");
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    cluster.change("b", { steps: [learn], transition: "auto" });
    cluster.settle();
    expect(cluster.node("b").proposals.refused).to.deep.equal([{ proposalId: 1, reason: "invalidConfiguration" }]);
    expect(cluster.node("a").state.configuration.voters).to.deep.equal(["a", "b", "c"]);
  });

  it("who means to take a vote away says so, and the voter becomes a learner that stays one", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.elect("a");
    const steps: ConfigurationStep[] = [
      { kind: "remove", nodeId: "c" },
      { ...learn, member: memberOf("c", "learner") },
    ];
    cluster.change("a", { steps, transition: "jointImplicit" });
    cluster.tick(5);
    const { configuration } = cluster.node("c").state;
    expect(configuration.voters).to.deep.equal(["a", "b"]);
    expect(configuration.learners).to.deep.equal(["c"]);
    expect(configuration.votersOutgoing).to.deep.equal([]);
  });
});
