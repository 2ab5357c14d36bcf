/**
 * @module
 * §7 of the extended Raft paper: log compaction and InstallSnapshot (Figure 13).
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import type { CoreCluster } from "../support/core-cluster.ts";
import { configurationOf } from "../support/core-node.ts";
import { ledByA } from "./support.ts";

describe("§7 Log compaction", () => {
  function withSnapshot(): CoreCluster {
    const cluster = ledByA();
    cluster.isolate("c");
    for (const text of ["u", "v", "w", "x"]) {
      cluster.propose("a", text);
      cluster.settle();
    }
    cluster.node("a").snapshot();
    cluster.settle();
    return cluster;
  }

  it("once a snapshot is complete, the entries up to the last included index are deleted", () => {
    const cluster = withSnapshot();
    expect(cluster.node("a").log).to.deep.equal([]);
    expect(cluster.node("a").disk).to.include({ startIndex: 5, startTerm: 1 });
  });

  it("trailing entries are kept for followers that lag a little", () => {
    const cluster = ledByA(["a", "b", "c"], { trailingEntries: 2 });
    for (const text of ["u", "v", "w"]) cluster.propose("a", text);
    cluster.settle();
    cluster.node("a").snapshot();
    cluster.settle();
    expect(cluster.node("a").log).to.deep.equal(["1@3", "1@4"]);
  });

  it("a follower that needs what is discarded gets the snapshot, and then what follows it", () => {
    const cluster = withSnapshot();
    cluster.heal();
    cluster.tick(3);
    cluster.propose("a", "y");
    cluster.settle();
    const c = cluster.node("c");
    expect(c.commands).to.deep.equal(["u", "v", "w", "x", "y"]);
    expect(c.disk.startIndex).to.equal(5);
    expect(c.state.configuration).to.deep.equal(configurationOf(["a", "b", "c"]));
  });

  it("a snapshot of a prefix of the follower's log leaves the entries after it in place", () => {
    const cluster = ledByA();
    cluster.propose("a", "x");
    cluster.propose("a", "y");
    cluster.settle();
    const c = cluster.node("c");
    const snapshot = {
      lastIncludedIndex: 2,
      lastIncludedTerm: 1,
      lastIncludedTime: 0,
      configuration: configurationOf(["a", "b", "c"]),
    };
    c.step({ kind: "receive", message: { kind: "installSnapshotRequest", from: "a", to: "c", term: 1, snapshot } });
    const { installSnapshot, messages } = c.collect();
    expect(installSnapshot).to.equal(null);
    expect(messages).to.deep.equal([{ kind: "appendEntriesMatched", from: "c", to: "a", term: 1, matchIndex: 3 }]);
  });

  it("nothing touches the log while a snapshot is installed, and nobody campaigns meanwhile", () => {
    const cluster = ledByA();
    const c = cluster.node("c");
    const configuration = configurationOf(["a", "b", "c"]);
    const snapshot = { lastIncludedIndex: 9, lastIncludedTerm: 1, lastIncludedTime: 0, configuration };
    c.step({ kind: "receive", message: { kind: "installSnapshotRequest", from: "a", to: "c", term: 1, snapshot } });
    expect(c.collect().installSnapshot).to.deep.equal(snapshot);
    const append = {
      kind: "appendEntriesRequest",
      from: "a",
      to: "c",
      term: 1,
      prevLogIndex: 1,
      prevLogTerm: 1,
    } as const;
    c.step({ kind: "receive", message: { ...append, entries: [], leaderCommit: 1 } });
    for (let tick = 0; tick < 50; tick += 1) c.step({ kind: "tick" });
    expect(c.collect()).to.deep.include({ append: null, apply: [], messages: [] });
    c.install();
    const { messages } = c.collect();
    expect(messages).to.deep.equal([{ kind: "appendEntriesMatched", from: "c", to: "a", term: 1, matchIndex: 9 }]);
    expect(c.state.log).to.include({ startIndex: 9, lastIndex: 9, commitIndex: 9, appliedIndex: 9 });
  });

  it("a term or a vote that changes while a snapshot is installed is written after it, and ends where it does", () => {
    const cluster = ledByA();
    const c = cluster.node("c");
    const configuration = configurationOf(["a", "b", "c"]);
    const snapshot = { lastIncludedIndex: 9, lastIncludedTerm: 1, lastIncludedTime: 0, configuration };
    const hear = (term: number): void => {
      const heartbeat = { kind: "heartbeatRequest", from: "b", to: "c", leaderCommit: 0, readRound: 0 } as const;
      c.step({ kind: "receive", message: { ...heartbeat, term } });
    };
    c.step({ kind: "receive", message: { kind: "installSnapshotRequest", from: "a", to: "c", term: 1, snapshot } });
    hear(2);
    // The write of the turn in which the reset is asked for goes before it.
    expect(c.collect().append).to.deep.include({ term: 1, lastIndex: 1, entries: [] });
    hear(3);
    expect(c.collect().append).to.deep.include({ term: 1, lastIndex: 9, entries: [] });
    while (c.persist());
    expect(c.state.log, "neither proves anything of the log before").to.include({ persistedIndex: 1, lastIndex: 1 });
    hear(4);
    expect(c.collect().append).to.deep.include({ term: 1, lastIndex: 9 });
    c.install();
    expect(c.state.log).to.include({ persistedIndex: 9, lastIndex: 9 });
    c.persist();
    c.collect();
    expect(c.state.log).to.include({ persistedIndex: 9, lastIndex: 9 });
    expect(c.disk.hardState).to.deep.equal({ currentTerm: 4, votedFor: null });
  });

  it("no entries go to a follower that installs, and they do once it is done or has lost the snapshot", () => {
    for (const crashes of [false, true]) {
      const cluster = withSnapshot();
      cluster.propose("a", "y");
      cluster.settle();
      const [a, c] = [cluster.node("a"), cluster.node("c")];
      let entriesSent = 0;
      cluster.loses = (message) => {
        if (message.kind === "appendEntriesRequest" && message.to === "c") entriesSent += message.entries.length;
        return false;
      };
      c.installs = false;
      for (let tick = 0; tick < 30; tick += 1) {
        cluster.tick(1);
        cluster.propose("a", "more");
      }
      expect(c.installing?.lastIncludedIndex).to.equal(5);
      expect(entriesSent).to.equal(0);
      c.installs = true;
      if (crashes) {
        c.crash();
        c.restart();
      }
      cluster.tick(20);
      expect(c.commands).to.deep.equal(a.commands);
      expect(c.commands).to.include("more");
    }
  });

  it("a snapshot that was installed is the one that this server sends when it leads", () => {
    const cluster = withSnapshot();
    cluster.heal();
    cluster.tick(3);
    const [b, c] = [cluster.node("b"), cluster.node("c")];
    expect(c.state.log.startIndex).to.equal(5);
    // b comes back with nothing.
    b.crash();
    b.disk = { ...b.disk, startIndex: 0, startTerm: 0, entries: [], applied: [], appliedIndex: 0 };
    b.restart();
    cluster.node("a").step({ kind: "transferLeadership", transferee: "c" });
    cluster.settle();
    expect(c.state.role).to.equal("leader");
    cluster.tick(5);
    expect(b.disk.startIndex).to.equal(5);
    expect(b.commands).to.deep.equal(["u", "v", "w", "x"]);
  });

  it("once it has arrived, nothing more is sent before the follower says something", () => {
    const cluster = withSnapshot();
    let hasArrived = false;
    let sent = 0;
    cluster.loses = ({ kind, from, to }) => {
      if (kind === "installSnapshotRequest") hasArrived = true;
      if (hasArrived && kind === "appendEntriesRequest" && to === "c") sent += 1;
      return hasArrived && from === "c";
    };
    cluster.tick(3);
    expect(hasArrived).to.equal(true);
    for (const text of ["1", "2", "3"]) {
      cluster.propose("a", text);
      cluster.settle();
    }
    expect(sent).to.equal(0);
    cluster.heal();
    cluster.tick(2);
    expect(cluster.node("c").commands).to.deep.equal(["u", "v", "w", "x", "1", "2", "3"]);
  });

  it("a snapshot that did not arrive is sent again", () => {
    const cluster = withSnapshot();
    cluster.loses = ({ kind }) => kind === "installSnapshotRequest";
    cluster.tick(4);
    expect(cluster.node("c").commands).to.deep.equal([]);
    cluster.heal();
    cluster.tick(4);
    expect(cluster.node("c").commands).to.deep.equal(["u", "v", "w", "x"]);
  });
});
