import { expect } from "chai";
import { describe, it } from "mocha";
import { Board, createBoardMemory } from "../../../src/actor/board.ts";
import type { Standing } from "../../../src/actors/ingress/parts.ts";
import { checkReadiness } from "../../../src/actors/ingress/status.ts";
import { emptyConfiguration, type Member } from "../../../src/raft/types.ts";

const member: Member = { httpAddr: "h:1", raftAddr: "h:2", incarnation: "", standing: "voter" };

function failing(...memberIds: readonly string[]): readonly string[] {
  const board = new Board(createBoardMemory());
  board.set("commitIndex", 3);
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
        voters: memberIds,
        members: Object.fromEntries(memberIds.map((id) => [id, member])),
      },
    },
  };
  return checkReadiness("n1", board, standing).flatMap(({ ok, name, detail }) => (ok ? [] : [`${name}: ${detail}`]));
}

describe("ingress: readiness", () => {
  it("holds for a member that has caught up with a leader", () => {
    expect(failing("n1", "n2")).to.deep.equal([]);
  });

  it("fails for a node that is not among the members, saying so", () => {
    expect(failing("n2", "n3")).to.deep.equal(["member: n1 is not among the members"]);
  });

  it("is not a question of membership while nobody is known to be a member", () => {
    expect(failing()).to.deep.equal([]);
  });
});
