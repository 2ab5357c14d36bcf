/**
 * @module
 * §5.5 of the extended Raft paper, "Follower and candidate crashes": a test per sentence.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { ledByA, termsOf } from "./support.ts";

/** Only the requests of one kind that go to `b`. */
function requestsToB(messages: readonly Message[], kind: Message["kind"]): readonly Message[] {
  return messages.filter((message) => message.kind === kind && message.to === "b");
}

describe("§5.5 Follower and candidate crashes", () => {
  it("requests to a server that has crashed are retried indefinitely, and complete when it restarts", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    b.crash();
    cluster.propose("a", "x");
    cluster.tick(200);
    expect(termsOf(b)).to.deep.equal([1]);
    b.restart();
    cluster.tick(2);
    expect(termsOf(b)).to.deep.equal([1, 1]);
    expect(b.commands).to.deep.equal(["x"]);
  });

  it("so is the question for a vote, without which there is no majority", () => {
    const cluster = new CoreCluster(["a", "b"], { preVote: false });
    cluster.node("b").crash();
    cluster.tick(200);
    expect(cluster.leaders).to.deep.equal([]);
    cluster.node("b").restart();
    cluster.tick(50);
    expect(cluster.leaders).to.have.lengthOf(1);
  });

  it("a server that crashes after an append and before its answer gets it again, and ignores what its log holds", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    cluster.propose("a", "x");
    const [append] = requestsToB(cluster.node("a").collect().messages, "appendEntriesRequest");
    if (append === undefined) throw new Error("nothing is sent to b");
    b.step({ kind: "receive", message: append });
    b.collect();
    b.crash(1);
    b.restart();
    expect(termsOf(b)).to.deep.equal([1, 1]);
    b.step({ kind: "receive", message: append });
    const { append: written, messages } = b.collect();
    expect(written?.entries ?? []).to.deep.equal([]);
    expect(messages[0]).to.include({ kind: "appendEntriesMatched", matchIndex: 2 });
    cluster.tick(2);
    expect(b.commands).to.deep.equal(["x"]);
  });

  it("a server that crashes after a vote and before its answer is asked again, and gives the same vote to the same", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { preVote: false });
    const a = cluster.node("a");
    const b = cluster.node("b");
    a.step({ kind: "campaign" });
    a.collect();
    a.persist();
    const [request] = requestsToB(a.collect().messages, "requestVoteRequest");
    if (request === undefined) throw new Error("b is not asked for its vote");
    b.step({ kind: "receive", message: request });
    b.collect();
    b.crash(1);
    b.restart();
    for (const [from, voteGranted] of [
      ["a", true],
      ["c", false],
    ] as const) {
      b.step({ kind: "receive", message: { ...request, from } });
      expect(b.collect().messages[0]).to.include({ kind: "requestVoteResponse", to: from, voteGranted });
    }
  });

  it("requests and answers that arrive twice cause no harm", () => {
    const cluster = new CoreCluster(["a", "b", "c"]);
    cluster.loses = (message) => {
      cluster.network.push(message);
      return false;
    };
    cluster.elect("a");
    for (const text of ["x", "y"]) cluster.propose("a", text);
    cluster.tick(30);
    expect(cluster.leaders.map(({ id, state }) => [id, state.currentTerm])).to.deep.equal([["a", 1]]);
    for (const node of cluster.nodes) {
      expect(termsOf(node)).to.deep.equal([1, 1, 1]);
      expect(node.commands).to.deep.equal(["x", "y"]);
    }
  });
});
