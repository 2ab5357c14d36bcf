import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import type { Configuration } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf } from "../support/core-node.ts";

/** b asks a, which leads; what a says in the turn in which the question has come. */
function askedBy(asker: string, configuration: Configuration): { readonly cluster: CoreCluster; said: Message[] } {
  const ids = Object.keys(configuration.members);
  const cluster = new CoreCluster(ids, { readConfirmation: "asker" }, configuration);
  cluster.elect("a");
  cluster.propose("a", "x");
  cluster.settle();
  ask(cluster, asker);
  return { cluster, said: [...cluster.turn(cluster.node("a")).messages] };
}

function ask(cluster: CoreCluster, asker: string): void {
  const node = cluster.node(asker);
  node.step({ kind: "readIndex", readId: 7 });
  for (const message of node.collect().messages) cluster.deliver(message);
}

const kinds = (messages: readonly Message[]): string[] => [...new Set(messages.map(({ kind }) => kind))];

describe("a read that a voter asks for", () => {
  it("is confirmed by its question where it and the leader are a quorum", () => {
    for (const voters of [
      ["a", "b"],
      ["a", "b", "c"],
    ]) {
      const { cluster, said } = askedBy("b", configurationOf(voters));
      expect(kinds(said)).to.deep.equal(["readIndexResponse"]);
      cluster.settle();
      expect(cluster.node("b").granted).to.deep.equal([{ readId: 7, readIndex: 2 }]);
    }
  });

  it("needs a round where they are none: of five, of four, and of either half of a joint configuration", () => {
    const joint = {
      ...configurationOf(["a", "b", "c", "d", "e"]),
      voters: ["a", "b", "c"],
      votersOutgoing: ["a", "d", "e"],
    };
    for (const configuration of [
      configurationOf(["a", "b", "c", "d", "e"]),
      configurationOf(["a", "b", "c", "d"]),
      joint,
    ]) {
      const { cluster, said } = askedBy("b", configuration);
      expect(kinds(said)).to.deep.equal(["heartbeatRequest"]);
      cluster.settle();
      expect(cluster.node("b").granted.map(({ readId }) => readId)).to.deep.equal([7]);
    }
  });

  it("is not granted by a leader of five that was cut off together with who asks", () => {
    const cluster = new CoreCluster(["a", "b", "c", "d", "e"], { readConfirmation: "asker" });
    cluster.elect("a");
    cluster.isolate("a", "b");
    for (const { state } of cluster.nodes) state.electionElapsedTicks = 100;
    const c = cluster.elect("c");
    cluster.propose("c", "x");
    cluster.settle();
    ask(cluster, "b");
    cluster.settle();
    expect(cluster.node("a").state.role).to.equal("leader");
    expect(cluster.node("b").granted).to.deep.equal([]);
    cluster.heal();
    cluster.tick(3);
    expect(cluster.node("b").granted).to.deep.equal([{ readId: 7, readIndex: c.state.log.lastIndex }]);
  });

  it("needs a round where a learner asks, and where nobody counts who asks", () => {
    const { said } = askedBy("d", configurationOf(["a", "b", "c"], ["d"]));
    expect(kinds(said)).to.deep.equal(["heartbeatRequest"]);
  });

  it("waits for an entry of the leader's term (dissertation §6.4, step 1)", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { readConfirmation: "asker" });
    cluster.elect("a");
    cluster.node("b").step({ kind: "campaign" });
    cluster.loses = ({ kind }) => kind === "appendEntriesMatched";
    for (const id of ["a", "b", "c"]) cluster.node(id).state.electionElapsedTicks = 100;
    cluster.elect("b");
    const b = cluster.node("b");
    expect(b.state.log.commitIndex).to.be.below(b.state.log.lastIndex);
    ask(cluster, "c");
    cluster.settle();
    expect(cluster.node("c").granted).to.deep.equal([]);
    cluster.heal();
    cluster.tick(3);
    expect(cluster.node("c").granted).to.deep.equal([{ readId: 7, readIndex: b.state.log.lastIndex }]);
  });

  it("is not confirmed by a question of an earlier term", () => {
    const cluster = new CoreCluster(["a", "b", "c"], { readConfirmation: "asker" });
    const a = cluster.elect("a");
    const term = a.state.currentTerm - 1;
    cluster.deliver({ kind: "readIndexRequest", from: "b", to: "a", term, readId: 7 });
    expect(cluster.turn(a).messages).to.deep.equal([]);
  });
});
