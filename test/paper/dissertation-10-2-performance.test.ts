/**
 * @module
 * Dissertation §10.2: what is written in parallel (§10.2.1), what is put together and what follows without waiting
 * (§10.2.2). Bounds of the window: section-5-3-log-replication.test.ts.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { AppendEntriesRequest } from "../../src/raft/message.ts";
import type { CoreCluster } from "../support/core-cluster.ts";
import { ledByA, termsOf } from "./support.ts";

/** What a sends b when it is asked so often, each time in a turn of its own. */
function appendsToB(cluster: CoreCluster, texts: readonly string[]): AppendEntriesRequest[] {
  return texts.flatMap((text) => {
    cluster.propose("a", text);
    const { messages } = cluster.node("a").collect();
    return messages.filter((message) => message.kind === "appendEntriesRequest" && message.to === "b");
  }) as AppendEntriesRequest[];
}

describe("dissertation §10.2.1, writing to the leader's disk in parallel", () => {
  it("the entry leaves for the followers in the turn in which it goes to the leader's own disk", () => {
    const cluster = ledByA();
    cluster.propose("a", "x");
    const { append, messages } = cluster.node("a").collect();
    expect(append?.entries).to.have.length(1);
    const sent = messages.filter((message) => message.kind === "appendEntriesRequest");
    expect(sent.map(({ to, entries }) => [to, entries])).to.deep.equal([
      ["b", append?.entries],
      ["c", append?.entries],
    ]);
  });

  it("the leader may commit before its own disk has it, and executes it only then", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.propose("a", "x");
    cluster.turn(a);
    for (const id of ["b", "c"]) {
      for (const message of cluster.network.filter(({ to }) => to === id)) cluster.deliver(message);
      cluster.turn(cluster.node(id));
      cluster.node(id).persist();
    }
    cluster.network.length = 0;
    for (const id of ["b", "c"]) cluster.turn(cluster.node(id));
    for (const message of cluster.network.splice(0)) cluster.deliver(message);
    cluster.turn(a);
    expect(a.state.log).to.include({ commitIndex: 2, persistedIndex: 1, emittedIndex: 1 });
    expect(a.disk.entries).to.have.length(1);
    cluster.settle();
    expect(a.commands).to.deep.equal(["x"]);
  });
});

describe("dissertation §10.2.2, batching and pipelining", () => {
  it("the leader sends the next entries without waiting: nextIndex moves when they are sent", () => {
    const cluster = ledByA();
    const appends = appendsToB(cluster, ["x", "y", "z"]);
    expect(appends.map(({ prevLogIndex, entries }) => [prevLogIndex, entries.length])).to.deep.equal([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(cluster.node("a").state.progress[1]).to.include({ id: "b", nextIndex: 5, matchIndex: 1 });
  });

  it("a follower writes what arrived together at once, and acknowledges all of it by one answer", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    for (const append of appendsToB(cluster, ["x", "y", "z"])) cluster.deliver(append);
    const { append, messages } = b.collect();
    expect(append?.entries).to.have.length(3);
    expect(messages).to.deep.equal([]);
    b.persist();
    const answers = b.collect().messages;
    expect(answers.map((answer) => ({ ...answer }))).to.deep.equal([
      { kind: "appendEntriesMatched", from: "b", to: "a", term: 1, matchIndex: 4 },
    ]);
  });

  it("an append that overtakes another is refused by the consistency check, and sent again", () => {
    const cluster = ledByA();
    const [b, c] = [cluster.node("b"), cluster.node("c")];
    const [first, second, third] = appendsToB(cluster, ["x", "y", "z"]);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three appends were sent");
    c.crash();
    cluster.deliver(third);
    const { messages } = cluster.turn(b);
    expect(messages).to.have.length(1);
    expect(messages[0]).to.include({ kind: "appendEntriesRejected", prevLogIndex: 3 });
    expect(termsOf(b)).to.have.length(1);
    cluster.deliver(first);
    cluster.deliver(second);
    cluster.settle();
    expect(b.commands).to.deep.equal(["x", "y", "z"]);
    expect(cluster.node("a").commands).to.deep.equal(["x", "y", "z"]);
  });

  it("when one of several is lost, the leader goes back to what is known to match and sends the rest again", () => {
    const cluster = ledByA();
    const [, second, third] = appendsToB(cluster, ["x", "y", "z"]);
    if (second === undefined || third === undefined) throw new Error("three appends were sent");
    cluster.node("c").crash();
    const resent: number[] = [];
    cluster.loses = (message) => {
      if (message.kind === "appendEntriesRequest" && message.to === "b") resent.push(message.prevLogIndex);
      return false;
    };
    cluster.deliver(second);
    cluster.deliver(third);
    cluster.settle();
    expect(cluster.node("b").commands).to.deep.equal(["x", "y", "z"]);
    expect(resent[0]).to.equal(1);
  });
});
