import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, createBoardMemory } from "../../../src/actor/board.ts";
import type { Standing } from "../../../src/actors/ingress/parts.ts";
import { checkReadiness } from "../../../src/actors/ingress/status.ts";
import { emptyConfiguration, type Member } from "../../../src/raft/types.ts";

const member: Member = { httpAddr: "h:1", raftAddr: "h:2", incarnation: "", standing: "voter" };

const nowMs = 100_000;

function failing(memberIds: readonly string[], freshAtMs = nowMs - 100, voters = memberIds): readonly string[] {
  const board = new Board(createBoardMemory());
  board.set("freshAtMs", freshAtMs);
  board.set("appliedIndex", 3);
  const standing: Standing = {
    nowMs: 0,
    appliedIndex: 3,
    revision: 0,
    appliedTerm: 1,
    readable: true,
    leadership: {
      kind: "leadershipChanged",
      role: "follower",
      term: 1,
      leaderId: "n2",
      configuration: {
        ...emptyConfiguration,
        voters,
        members: Object.fromEntries(memberIds.map((id) => [id, member])),
      },
      removed: false,
    },
    alarms: [],
  };
  return checkReadiness("n1", board, standing, nowMs).flatMap(({ ok, name, detail }) =>
    ok ? [] : [`${name}: ${detail}`],
  );
}

describe("ingress: readiness", () => {
  it("holds for a member that has caught up with a leader", () => {
    expect(failing(["n1", "n2"])).to.deep.equal([]);
  });

  it("fails for a node that is not among the members, saying so", () => {
    expect(failing(["n2", "n3"])).to.deep.equal(["member: n1 is not among the members"]);
  });

  it("fails for a learner that is to become a voter", () => {
    expect(failing(["n1", "n2"], nowMs, ["n2"])).to.deep.equal([
      "member: n1 is a learner still, and is to be promoted",
    ]);
  });

  it("fails while nobody is known to be a member, whatever a leader has confirmed", () => {
    expect(failing([])).to.deep.equal(["member: the members are not known yet"]);
  });

  it("fails for a node that nobody has confirmed to be new, or not lately", () => {
    expect(failing(["n1"], 0)).to.deep.equal([
      "applied: applied up to 3, and no leader has confirmed yet that this is new",
    ]);
    expect(failing(["n1"], nowMs - 3_001)).to.deep.equal(["applied: applied up to 3, known to be at most 3001 ms old"]);
  });
});
