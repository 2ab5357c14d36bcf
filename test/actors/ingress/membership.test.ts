import { expect } from "chai";
import { describe, it } from "mocha";
import { type Circumstances, judge } from "../../../src/actors/ingress/member-verdict.ts";
import type { Effects } from "../../../src/actors/ingress/outbox.ts";
import { createIngress, type Ingress, type IngressInput } from "../../../src/actors/ingress/turn.ts";
import type { LeadershipChanged, RaftToIngress } from "../../../src/actors/protocol/ingress-raft.ts";
import type { JoiningMember, MemberChange } from "../../../src/http/request.ts";
import { emptyConfiguration, type Member } from "../../../src/raft/types.ts";
import { limits } from "./stepper.ts";

const joining: JoiningMember = {
  nodeId: "n4",
  httpAddr: "h:8094",
  raftAddr: "h:9094",
  incarnation: "i4",
  standing: "voter",
};
const n1: Member = { httpAddr: "h:8091", raftAddr: "h:9091", incarnation: "i1", standing: "voter" };
const n4: Member = { httpAddr: "h:8094", raftAddr: "h:9094", incarnation: "i4", standing: "voter" };
const tickMs = 50;

function leadership(term: number, voters: Readonly<Record<string, Member>>): LeadershipChanged {
  const configuration = { ...emptyConfiguration, voters: Object.keys(voters), members: voters };
  return { kind: "leadershipChanged", role: "leader", term, leaderId: "n1", configuration, removed: false };
}

/** A change asked of an ingress whose raft and store the test plays. */
class Change {
  readonly #ingress: Ingress = createIngress(limits);
  #nowMs = 0;
  #lastReadId = 0;

  constructor(change: MemberChange = { kind: "join", member: joining }, leading = leadership(1, { n1 })) {
    this.#turn({ kind: "viewOpened", generation: 1 });
    this.hear(leading);
    const request = { kind: "changeMembers", change, reachMsMax: 60_000 } as const;
    this.#turn({ kind: "request", requestId: 1, request, deadlineMs: 60_000 });
  }

  hear(...messages: readonly RaftToIngress[]): Effects {
    return this.#turn({ kind: "raft", messages });
  }

  apply(appliedTerm: number): Effects {
    const message = { kind: "batchApplied", appliedIndex: 9, appliedTerm, revision: 0, results: [] } as const;
    return this.#turn({ kind: "store", messages: [message] });
  }

  /** Grants every read index that was asked for. */
  grant(): Effects {
    const messages: RaftToIngress[] = [];
    for (let readId = 1; readId <= this.#lastReadId; readId++) {
      messages.push({ kind: "readGranted", readId, readIndex: 0 });
    }
    return this.hear(...messages);
  }

  /** Ticks, and what was asked of raft for members meanwhile. */
  tick(times: number): readonly Effects[] {
    return Array.from({ length: times }, () => {
      this.#nowMs += tickMs;
      return this.#turn({ kind: "tick" });
    });
  }

  #turn(...inputs: readonly IngressInput[]): Effects {
    const effects = this.#ingress.turn(inputs, { nowMs: this.#nowMs, appliedIndex: 0, revision: 0 });
    for (const message of effects.toRaft) if (message.kind === "readIndex") this.#lastReadId = message.readId;
    return effects;
  }
}

/** The ids of proposals of members among the effects. */
function proposed(...all: readonly Effects[]): readonly number[] {
  return all.flatMap(({ toRaft }) =>
    toRaft.flatMap((message) => (message.kind === "proposeConfiguration" ? [message.proposalId] : [])),
  );
}

function answers(...all: readonly Effects[]): readonly unknown[] {
  return all.flatMap(({ answers: given }) => given.map(({ outcome }) => outcome));
}

describe("ingress: a node that joins", () => {
  it("is proposed once this node has caught up", () => {
    const join = new Change();
    expect(proposed(...join.tick(10))).to.deep.equal([]);
    expect(proposed(join.grant(), ...join.tick(1))).to.deep.equal([]);
    expect(proposed(...join.tick(10))).to.deep.equal([1]);
  });

  it("is not proposed again on a configuration that is older than the loss of the first proposal", () => {
    const join = new Change();
    join.grant();
    join.tick(2);
    join.hear({ kind: "proposalAccepted", proposalId: 1, term: 1 });
    // The store is first to tell that a later term has begun; the promoted member comes by the edge to raft.
    expect(proposed(join.apply(2), ...join.tick(10)), "before it has caught up again").to.deep.equal([]);
    expect(proposed(join.grant(), ...join.tick(1))).to.deep.equal([]);
    const effects = join.hear(leadership(2, { n1, n4 }));
    expect(proposed(effects, ...join.tick(10))).to.deep.equal([]);
  });

  it("is proposed again when the configuration does not show it after all", () => {
    const join = new Change();
    join.grant();
    join.tick(2);
    join.hear({ kind: "proposalAccepted", proposalId: 1, term: 1 });
    join.apply(2);
    join.tick(4);
    join.grant();
    expect(proposed(...join.tick(10))).to.deep.equal([2]);
  });

  it("is not proposed again after a refusal either, before this node has caught up", () => {
    const join = new Change();
    join.grant();
    join.tick(2);
    join.hear({ kind: "proposalRefused", proposalId: 1, reason: "configurationPending" });
    expect(proposed(...join.tick(10))).to.deep.equal([]);
    join.grant();
    expect(proposed(...join.tick(10))).to.deep.equal([2]);
  });

  it("is never made a learner when it votes", () => {
    const voting = leadership(1, { n1 });
    const configuration = { ...voting.configuration, voters: ["n1", "n4"] };
    const circumstances = { leadership: { ...voting, configuration }, progress: null, accepted: false, reachMsMax: 0 };
    expect(judge({ kind: "join", member: joining }, circumstances)).to.deep.equal({ kind: "wait" });
  });
});

const members = {
  n1,
  n2: { ...n1, httpAddr: "h:1", raftAddr: "h:3" },
  n3: { ...n1, httpAddr: "h:2", raftAddr: "h:4" },
};

function circumstances(alive: readonly string[], accepted = false): Circumstances {
  const progress = new Map(
    Object.keys(members).map((id, at) => [id, { id, matchIndex: at, healthy: alive.includes(id) }]),
  );
  return { leadership: leadership(1, members), progress, accepted, reachMsMax: 0 };
}

describe("ingress: a voter whose address is changed", () => {
  const elsewhere: MemberChange = { kind: "update", nodeId: "n2", httpAddr: null, raftAddr: "h:9999", incarnation: "" };
  const member = { ...members.n2, raftAddr: "h:9999" };

  it("may be lost by that as long as the others are a quorum alive", () => {
    const verdict = judge(elsewhere, circumstances(["n1", "n2", "n3"]));
    expect(verdict).to.deep.equal({ kind: "propose", step: { kind: "update", nodeId: "n2", member } });
  });

  it("stays where it is heard when the others are none, or while nobody knows", () => {
    const verdict = judge(elsewhere, circumstances(["n1", "n2"]));
    expect(verdict).to.include({ kind: "hold", code: "QUORUM_AT_RISK" });
    const unknown = { ...circumstances([]), progress: null };
    expect(judge(elsewhere, unknown)).to.deep.equal({ kind: "wait" });
    const forClientsAlone = { ...elsewhere, httpAddr: "h:9998", raftAddr: null };
    expect(judge(forClientsAlone, unknown), "clients are no quorum").to.include({ kind: "propose" });
  });

  it("goes when it says so itself, and when it is not heard anyway", () => {
    expect(judge({ ...elsewhere, incarnation: "i1" }, circumstances(["n1", "n2"]))).to.include({ kind: "propose" });
    expect(judge(elsewhere, circumstances(["n1"]))).to.include({ kind: "propose" });
  });

  it("is where it was told to be once that was proposed, whoever dies meanwhile", () => {
    expect(judge(elsewhere, circumstances(["n1", "n2"], true))).to.include({ kind: "propose" });
  });
});

describe("ingress: a voter that is removed", () => {
  it("goes when those that remain have a quorum alive", () => {
    const verdict = judge({ kind: "remove", nodeId: "n3" }, circumstances(["n1", "n2"]));
    expect(verdict).to.deep.equal({ kind: "propose", step: { kind: "remove", nodeId: "n3" } });
  });

  it("stays, for now, when they have not, or while nobody knows", () => {
    const verdict = judge({ kind: "remove", nodeId: "n2" }, circumstances(["n1", "n2"]));
    expect(verdict).to.include({ kind: "hold", code: "QUORUM_AT_RISK" });
    const unknown = { ...circumstances([]), progress: null };
    expect(judge({ kind: "remove", nodeId: "n2" }, unknown)).to.deep.equal({ kind: "wait" });
  });

  it("is done once it was proposed, whoever dies meanwhile", () => {
    expect(judge({ kind: "remove", nodeId: "n2" }, circumstances(["n1"], true)).kind).to.equal("propose");
  });

  it("has gone when those that remain say so, though it is asked itself and never applies it", () => {
    const led = { ...leadership(1, { n1, n2: members.n2 }), leaderId: "n2", role: "follower" } as const;
    const removal = new Change({ kind: "remove", nodeId: "n1" }, led);
    const alive = { id: "n2", matchIndex: 9, healthy: true };
    removal.grant();
    const asked = removal.tick(3).flatMap(({ toRaft }) => toRaft);
    const inspect = asked.find((message) => message.kind === "inspect");
    if (inspect?.kind !== "inspect") throw new RangeError("the leader's view is asked for");
    const seen = removal.hear({ kind: "inspected", inspectId: inspect.inspectId, progress: [alive] });
    expect(proposed(seen, ...removal.tick(1))).to.deep.equal([1]);
    removal.hear({ kind: "proposalAccepted", proposalId: 1, term: 1 });
    expect(answers(...removal.tick(20))).to.deep.equal([]);
    const told = removal.hear({ ...led, leaderId: null, removed: true });
    expect(answers(told, ...removal.tick(1))).to.deep.equal([{ kind: "done", body: { id: "n1" }, created: false }]);
  });

  it("is unknown to itself when it was removed before it was asked", () => {
    const led = { ...leadership(1, { n1, n2: members.n2 }), leaderId: "n2", role: "follower" } as const;
    const removal = new Change({ kind: "remove", nodeId: "n1" }, { ...led, removed: true });
    expect(answers(...removal.tick(1))).to.deep.equal([
      { kind: "refused", code: "MEMBER_NOT_FOUND", detail: "no member is called n1" },
    ]);
  });

  it("hands leadership to the one alive that is furthest on", () => {
    const all = judge({ kind: "remove", nodeId: "n1" }, circumstances(["n1", "n2", "n3"]));
    expect(all).to.deep.equal({ kind: "transferFirst", transferees: ["n3", "n2"] });
  });
});
