import { expect } from "chai";
import { describe, it } from "mocha";
import { progressOf } from "../../../src/raft/status.ts";
import { noneCommitted } from "../../support/core-node.ts";
import { SteppedRaft, snapshotAt } from "../support/stepped-raft.ts";

function heartbeatOf(term: number): Parameters<SteppedRaft["hear"]>[0] {
  return { kind: "heartbeatRequest", from: "n2", to: "n1", term, leaderCommit: 0, readRound: 0 };
}

describe("a raft actor that installs a snapshot", () => {
  it("goes through changes of term and vote meanwhile, and its log ends where the snapshot does", async () => {
    const raft = await SteppedRaft.start(snapshotAt(5));
    const snapshot = snapshotAt(9);
    await raft.turn(
      {
        kind: "fromPeer",
        message: { kind: "installSnapshotRequest", from: "n2", to: "n1", term: 2, snapshot },
        entries: undefined,
      },
      { kind: "fromPeer", message: heartbeatOf(3), entries: undefined },
    );
    expect(raft.toStore.at(-1)).to.deep.equal({ kind: "installSnapshot", snapshot });
    await raft.hear(heartbeatOf(4));
    const asked = {
      kind: "requestVoteRequest",
      committed: noneCommitted,
      from: "n3",
      to: "n1",
      lastLogIndex: 9,
      lastLogTerm: 4,
    } as const;
    await raft.hear({ ...asked, term: 5, leadershipTransfer: true });
    expect(raft.core.installing).to.deep.equal(snapshot);

    await raft.turn({ kind: "fromStore", message: { kind: "snapshotInstalled", snapshot } });
    expect(raft.core.log).to.include({ lastIndex: 9, persistedIndex: 9, appliedIndex: 9 });
    const { currentTerm, votedFor } = raft.core;
    expect({ currentTerm, votedFor }).to.deep.equal({ currentTerm: 5, votedFor: "n3" });
    const onDisk = await raft.logStore.open();
    expect(onDisk).to.deep.include({ hardState: { currentTerm, votedFor }, last: { index: 9, term: 1 } });
  });
});

describe("a raft actor that sends snapshots", () => {
  /** n1 leads and n3, which has nothing, is sent a snapshot. */
  async function sending(raft: SteppedRaft): Promise<number> {
    await raft.elect();
    const term = raft.core.currentTerm;
    const probe = raft.toPeers.findLast(({ kind, to }) => kind === "appendEntriesRequest" && to === "n3");
    const prevLogIndex = probe?.kind === "appendEntriesRequest" ? probe.prevLogIndex : 0;
    const hint = { term: 0, index: 0 };
    await raft.hear({ kind: "appendEntriesRejected", from: "n3", to: "n1", term, prevLogIndex, hint });
    const sent = raft.sendSnapshots.at(-1);
    if (sent === undefined) throw new Error("no snapshot was sent");
    return sent.transfer;
  }

  const kindOfN3 = (raft: SteppedRaft): string | undefined => progressOf(raft.core).find(({ id }) => id === "n3")?.kind;

  for (const delivered of [false, true]) {
    it(`takes the end of a replaced transfer, delivered: ${delivered}, for nothing of the newest`, async () => {
      const raft = await SteppedRaft.start(snapshotAt(5));
      const first = await sending(raft);
      await raft.hear(heartbeatOf(raft.core.currentTerm + 1));
      const second = await sending(raft);
      expect(raft.sendSnapshots).to.have.length(2);

      await raft.turn({ kind: "snapshotSent", to: "n3", transfer: first, delivered });
      expect(kindOfN3(raft)).to.equal("snapshot");
      const term = raft.core.currentTerm;
      await raft.hear({ kind: "heartbeatResponse", from: "n3", to: "n1", term, readRound: 0 });
      expect(raft.sendSnapshots).to.have.length(2);

      await raft.turn({ kind: "snapshotSent", to: "n3", transfer: second, delivered: true });
      expect(kindOfN3(raft)).to.equal("probe");
    });
  }
});
