/**
 * @module
 * Dissertation §6.2 to §6.4: how requests find the leader, how a command is executed once though its client sends it
 * again, and what a read waits for.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { decodeCommand, encodeCommand } from "../../src/codec/command.ts";
import type { Command } from "../../src/kv/command.ts";
import type { MachineEntry } from "../../src/kv/machine.ts";
import type { Entry } from "../../src/raft/types.ts";
import { plain } from "../kv/plain.ts";
import { bytes, origin, Rows } from "../kv/support.ts";
import type { CoreNode } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

describe("dissertation §6.2, routing requests to the leader", () => {
  it("followers keep track of the leader, and hand on to the new one as soon as they hear of it", () => {
    const cluster = ledByA();
    cluster.node("a").step({ kind: "transferLeadership", transferee: "b" });
    cluster.settle();
    cluster.propose("a", "x", 7);
    cluster.settle();
    expect(cluster.node("a").proposals.accepted).to.deep.include({ proposalId: 7, term: 2 });
    for (const { commands } of cluster.nodes) expect(commands).to.deep.equal(["x"]);
  });

  it("they discard it when they campaign: nobody hands on in a circle, who knows of no leader says so", () => {
    const cluster = ledByA();
    cluster.isolate("a");
    cluster.loses = ({ from, to }) => from === "a" || to === "a" || from === "b" || to === "b";
    for (let tick = 0; tick < 30 && cluster.node("b").state.role === "follower"; tick += 1) cluster.tick(1, ["b"]);
    const b = cluster.node("b");
    expect(b.state).to.include({ role: "preCandidate", leaderId: null });
    cluster.propose("b", "x", 7);
    cluster.turn(b);
    expect(b.proposals).to.deep.equal({ accepted: [], refused: [{ proposalId: 7, reason: "noLeader" }] });
  });

  it("and when the term changes", () => {
    const cluster = ledByA();
    const b = cluster.node("b");
    cluster.deliver({ kind: "heartbeatResponse", from: "c", to: "b", term: 2, readRound: 0 });
    expect(b.state).to.include({ currentTerm: 2, leaderId: null });
    cluster.propose("b", "x", 7);
    cluster.turn(b);
    expect(b.proposals.refused).to.deep.equal([{ proposalId: 7, reason: "noLeader" }]);
  });
});

let sequence = 0;

/** A put that its client knows again by its idempotency key. */
function keyed(key: string, value: string): Command {
  const idempotency = { key: bytes(key), requestHash: new Uint8Array(16).fill(1) };
  const condition = { kind: "none" } as const;
  const operation = { kind: "put", key: bytes("a"), value: bytes(value), leaseId: 0, condition } as const;
  return { origin, sequence: ++sequence, idempotency, operation };
}

function propose(node: CoreNode, command: Command): void {
  const commands = [encodeCommand(command)];
  node.step({ kind: "propose", proposalId: command.sequence, proposal: { kind: "commands", commands } });
}

function machineEntry(entry: Entry): MachineEntry {
  const { term, time } = entry;
  if (entry.kind !== "command") return { kind: "noop", term, time };
  return { kind: "command", term, time, command: decodeCommand(entry.command) };
}

/** The state that a node's log makes, and what its commands were answered. */
function executed(node: CoreNode): { readonly rows: Rows; readonly results: unknown[] } {
  const rows = new Rows();
  const { results } = rows.apply(node.disk.applied.map(machineEntry));
  return { rows, results: results.map(({ revision, result }) => [revision, plain(result)]) };
}

describe("dissertation §6.3, linearizable semantics", () => {
  it("a command whose leader crashed before it answered is executed once, and answered as the first time", () => {
    const cluster = ledByA();
    propose(cluster.node("a"), keyed("k", "1"));
    cluster.settle();
    cluster.node("a").crash();
    for (const id of ["b", "c"]) cluster.node(id).step({ kind: "peerDisconnected", peer: "a" });
    cluster.elect("b");
    propose(cluster.node("b"), keyed("other", "2"));
    propose(cluster.node("b"), keyed("k", "1"));
    cluster.settle();
    for (const id of ["b", "c"]) {
      const { rows, results } = executed(cluster.node(id));
      expect(rows.meta.revision).to.equal(2);
      expect(results).to.deep.equal([
        [1, { kind: "put", modRevision: 1 }],
        [2, { kind: "put", modRevision: 2 }],
        [1, { kind: "put", modRevision: 1 }],
      ]);
    }
  });

  it("servers agree on when a session expires: by the time that the leader stamps into its log", () => {
    const cluster = ledByA();
    propose(cluster.node("a"), keyed("k", "1"));
    cluster.settle();
    cluster.node("c").crash();
    // Ten minutes of the leader's ticks, while c has none.
    cluster.tick(6_000);
    propose(cluster.node("a"), keyed("later", "2"));
    propose(cluster.node("a"), keyed("k", "3"));
    cluster.settle();
    cluster.node("c").restart();
    cluster.tick(2);
    for (const node of cluster.nodes) {
      const { rows, results } = executed(node);
      expect(results.at(-1), node.id).to.deep.equal([3, { kind: "put", modRevision: 3 }]);
      expect(rows.meta.stateHash).to.equal(executed(cluster.node("a")).rows.meta.stateHash);
    }
  });
});

describe("dissertation §6.4, processing read-only queries", () => {
  it("the read index is the commit index when the read was asked, not when it is confirmed", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    cluster.loses = ({ kind }) => kind === "heartbeatResponse";
    a.step({ kind: "readIndex", readId: 1 });
    cluster.turn(a);
    const asked = a.state.log.commitIndex;
    cluster.settle();
    cluster.propose("a", "x");
    cluster.settle();
    cluster.heal();
    cluster.tick(1);
    expect(a.state.log.commitIndex).to.equal(asked + 1);
    expect(a.granted).to.deep.equal([{ readId: 1, readIndex: asked }]);
  });

  it("a follower that is behind learns how far its state must come, however far it has", () => {
    const cluster = ledByA();
    cluster.loses = ({ kind, to }) => kind === "appendEntriesRequest" && to === "c";
    cluster.propose("a", "acknowledged");
    cluster.settle();
    const c = cluster.node("c");
    c.step({ kind: "readIndex", readId: 1 });
    cluster.settle();
    expect(c.granted).to.deep.equal([{ readId: 1, readIndex: cluster.node("a").disk.appliedIndex }]);
    expect(c.disk.appliedIndex).to.be.lessThan(c.granted[0]?.readIndex ?? 0);
  });

  it("any number of reads that have gathered meanwhile is confirmed by one round: a message to each, and one back", () => {
    const cluster = ledByA();
    const a = cluster.node("a");
    a.step({ kind: "readIndex", readId: 1 });
    cluster.turn(a);
    for (let readId = 2; readId <= 50; readId += 1) a.step({ kind: "readIndex", readId });
    const { messages } = cluster.turn(a);
    expect(messages.map(({ kind, to }) => `${kind} ${to}`)).to.deep.equal(["heartbeatRequest b", "heartbeatRequest c"]);
    cluster.settle();
    expect(a.granted).to.have.length(50);
  });
});
