import { expect } from "chai";
import { describe, it } from "mocha";
import {
  accepted,
  answersOf,
  applied,
  leadership,
  linearizable,
  noLeader,
  proposals,
  raft,
  Stepper,
  sequencesOf,
  stale,
  store,
} from "./stepper.ts";

describe("ingress: writes", () => {
  it("proposes all commands of a turn at once, and answers each with its result", () => {
    const stepper = new Stepper();
    stepper.lead();
    const effects = stepper.turn(stepper.put(), stepper.put(), stepper.put());
    expect(proposals(effects).map(sequencesOf)).to.deep.equal([[1, 2, 3]]);
    expect(stepper.ingress.inFlight).to.equal(3);
    stepper.turn(accepted(1, 1));
    const { answers } = stepper.turn(store(applied(1, 3, 1, 2, 3)));
    expect(answers.map(({ requestId, outcome }) => ({ requestId, outcome }))).to.deep.equal(
      [1, 2, 3].map((id) => ({
        requestId: id,
        outcome: { kind: "applied", revision: id, result: { kind: "put", modRevision: id } },
      })),
    );
    expect([stepper.ingress.inFlight, stepper.ingress.pending]).to.deep.equal([0, 0]);
  });

  it("answers a result that overtakes the word that its proposal was accepted", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put());
    expect(answersOf(stepper.turn(store(applied(1, 1, 1))))).to.deep.equal(["1 applied"]);
    expect(answersOf(stepper.turn(accepted(1, 1)))).to.deep.equal([]);
    expect(stepper.ingress.inFlight).to.equal(0);
  });

  it("keeps what exceeds the bound in flight waiting, and splits slabs by bytes", () => {
    const stepper = new Stepper();
    stepper.lead();
    const effects = stepper.turn(...Array.from({ length: 6 }, () => stepper.put()));
    expect(proposals(effects).map(sequencesOf)).to.deep.equal([[1, 2, 3, 4]]);
    const next = stepper.turn(accepted(1, 1), store(applied(1, 2, 1, 2)));
    expect(proposals(next).map(sequencesOf)).to.deep.equal([[5, 6]]);

    const large = new Stepper();
    large.lead();
    const split = large.turn(large.put(1000, 300), large.put(1000, 300));
    expect(proposals(split).map(sequencesOf)).to.deep.equal([[1], [2]]);
  });

  it("refuses beyond its own bounds, at once", () => {
    const stepper = new Stepper();
    stepper.lead();
    const effects = stepper.turn(...Array.from({ length: 9 }, () => stepper.put()));
    expect(answersOf(effects)).to.deep.equal(["9 OVERLOADED"]);
    const bytes = new Stepper();
    bytes.lead();
    expect(answersOf(bytes.turn(bytes.put(1000, 600), bytes.put(1000, 600)))).to.deep.equal(["2 OVERLOADED"]);
  });

  it("proposes nothing without a leader, and in order once there is one", () => {
    const stepper = new Stepper();
    stepper.lead(1, null);
    expect(stepper.turn(stepper.put(), stepper.put()).toRaft).to.deep.equal([]);
    expect(proposals(stepper.turn(raft(leadership(2, "n2")))).map(sequencesOf)).to.deep.equal([[1, 2]]);
  });

  it("proposes again what was refused for want of a leader, in front of what came later", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put(), stepper.put());
    expect(stepper.turn(noLeader(1), stepper.put()).toRaft).to.deep.equal([]);
    expect(stepper.ingress.inFlight).to.equal(0);
    expect(proposals(stepper.tickAt(50)).map(sequencesOf)).to.deep.equal([[1, 2, 3]]);
    stepper.turn(raft({ kind: "proposalRefused", proposalId: 2, reason: "transferring" }));
    expect(proposals(stepper.turn(raft(leadership(2, "n2")))).map(sequencesOf)).to.deep.equal([[1, 2, 3]]);
  });

  it("takes back what the leader refused after it was handed on", () => {
    const stepper = new Stepper();
    stepper.lead(1, "n2");
    stepper.turn(stepper.put());
    stepper.turn(accepted(1, 1));
    stepper.turn(noLeader(1));
    expect(proposals(stepper.tickAt(50)).map(sequencesOf)).to.deep.equal([[1]]);
    expect(stepper.ingress.inFlight).to.equal(1);
  });

  it("says NO_LEADER of what was refused, OVERLOADED of what only waited, when time runs out", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put());
    stepper.turn(noLeader(1));
    expect(answersOf(stepper.tickAt(1000))).to.deep.equal(["1 NO_LEADER"]);

    const full = new Stepper();
    full.lead();
    full.turn(...Array.from({ length: 5 }, () => full.put()));
    full.turn(accepted(1, 1));
    expect(answersOf(full.tickAt(1000))).to.deep.equal(
      [1, 2, 3, 4].map((id) => `${id} TIMEOUT`).concat("5 OVERLOADED"),
    );
  });

  it("frees the place of a timed-out write only once raft has answered", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put());
    expect(answersOf(stepper.tickAt(1000))).to.deep.equal(["1 TIMEOUT"]);
    expect(stepper.ingress.inFlight).to.equal(1);
    stepper.turn(accepted(1, 1));
    expect(stepper.ingress.inFlight).to.equal(0);
    expect(answersOf(stepper.turn(store(applied(1, 1, 1))))).to.deep.equal([]);
  });

  it("proposes again what is lost for certain: accepted in a term that is over, and without a result", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put(), stepper.put());
    stepper.turn(accepted(1, 1));
    expect(stepper.turn(raft(leadership(2, "n2"))).toRaft, "a new leader alone decides nothing").to.deep.equal([]);
    expect(stepper.turn(store(applied(1, 1))).toRaft, "nor does an entry of the same term").to.deep.equal([]);
    const effects = stepper.turn(store(applied(2, 3, 1)));
    expect(answersOf(effects)).to.deep.equal(["1 applied"]);
    expect(proposals(effects).map(sequencesOf)).to.deep.equal([[2]]);
    expect(proposals(effects)[0]?.proposalId).to.equal(2);
  });

  it("finds a batch lost also when the word of its acceptance comes after the later term", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put());
    expect(stepper.turn(store(applied(2, 1))).toRaft).to.deep.equal([]);
    expect(proposals(stepper.turn(accepted(1, 1))).map(sequencesOf)).to.deep.equal([[1]]);
  });

  it("settles as unknown what a snapshot overtook, and nothing else", () => {
    const stepper = new Stepper({ proposalsInFlightMax: 1 });
    stepper.lead();
    stepper.turn(stepper.put(), stepper.put());
    const effects = stepper.turn(store({ kind: "generationReady", generation: 2, path: "/2", overtakenTerm: 3 }));
    expect(answersOf(effects)).to.deep.equal(["1 LEADERSHIP_LOST"]);
    expect(effects.openView).to.deep.equal({ generation: 2, path: "/2" });
    expect(proposals(stepper.turn(accepted(1, 3))).map(sequencesOf)).to.deep.equal([[2]]);
    stepper.turn(accepted(2, 4));
    const later = store({ kind: "generationReady", generation: 3, path: "/3", overtakenTerm: 3 });
    expect(answersOf(stepper.turn(later)), "accepted in a later term").to.deep.equal([]);
  });

  it("drops a write whose client is gone when it is in no log, else only its answer", () => {
    const stepper = new Stepper();
    stepper.lead(1, null);
    stepper.turn(stepper.put());
    stepper.turn({ kind: "cancelled", requestId: 1 });
    expect(stepper.turn(raft(leadership(2, "n1"))).toRaft).to.deep.equal([]);
    stepper.turn(stepper.put());
    stepper.turn({ kind: "cancelled", requestId: 2 }, accepted(1, 2));
    expect(stepper.ingress.inFlight).to.equal(1);
    expect(answersOf(stepper.turn(store(applied(2, 1, 2))))).to.deep.equal([]);
    expect(stepper.ingress.inFlight).to.equal(0);
  });

  it("settles everything by the time it was told to stop", () => {
    const stepper = new Stepper({ proposalsInFlightMax: 1 });
    stepper.lead();
    stepper.turn(stepper.put(), stepper.put(), stepper.ask(linearizable));
    stepper.turn({ kind: "stop", deadlineMs: 300 });
    expect(answersOf(stepper.tickAt(250))).to.deep.equal([]);
    expect(answersOf(stepper.tickAt(300))).to.deep.equal(["1 TIMEOUT", "2 SHUTTING_DOWN", "3 SHUTTING_DOWN"]);
  });
});

describe("ingress: more writes than raft takes at once", () => {
  const bytes = 200;

  it("proposes no more while raft has as many bytes as it is given, and goes on when their fate is known", () => {
    const stepper = new Stepper({ slabBytesMax: 2 * bytes, proposedBytesMax: 2 * bytes, pendingBytesMax: 10 * bytes });
    stepper.lead();
    const first = stepper.turn(...[1, 2, 3, 4].map(() => stepper.put(1000, bytes)));
    expect(proposals(first).map(sequencesOf), "one above the bound").to.deep.equal([[1], [2]]);
    stepper.turn(accepted(1, 1), accepted(2, 1));
    expect(proposals(stepper.turn(store(applied(1, 1, 1)))).map(sequencesOf)).to.deep.equal([[3]]);
    const refused = raft({ kind: "proposalRefused", proposalId: 2, reason: "overloaded" });
    expect(proposals(stepper.turn(refused)).map(sequencesOf), "what raft refuses takes no room").to.deep.equal([[4]]);
  });

  it("gives the room back of what its clients no longer wait for, as soon as raft has answered", () => {
    const stepper = new Stepper({ proposedBytesMax: bytes, pendingBytesMax: 10 * bytes });
    stepper.lead();
    stepper.turn(stepper.put(100, bytes));
    stepper.turn(stepper.put(1000, bytes));
    expect(answersOf(stepper.tickAt(100))).to.deep.equal(["1 TIMEOUT"]);
    expect(proposals(stepper.turn(accepted(1, 1))).map(sequencesOf)).to.deep.equal([[2]]);
  });

  it("refuses what has waited behind others for too long, as certainly not applied", () => {
    const stepper = new Stepper({ proposalsInFlightMax: 1, queuedMsMax: 300 });
    stepper.lead();
    stepper.turn(stepper.put(5000));
    stepper.nowMs = 100;
    stepper.turn(stepper.put(5000));
    expect(answersOf(stepper.tickAt(399))).to.deep.equal([]);
    const effects = stepper.tickAt(400);
    expect(answersOf(effects)).to.deep.equal(["2 OVERLOADED"]);
    expect(effects.answers[0]?.milestones, "it was never handed to raft").to.equal(null);
    expect(answersOf(stepper.turn(accepted(1, 1), store(applied(1, 1, 1))))).to.deep.equal(["1 applied"]);
  });

  it("counts no time in which there was no leader, or none that took it", () => {
    const stepper = new Stepper({ proposalsInFlightMax: 1, queuedMsMax: 300 });
    stepper.lead(1, null);
    stepper.turn(stepper.put(5000), stepper.put(5000));
    expect(answersOf(stepper.tickAt(1000)), "nobody leads").to.deep.equal([]);
    expect(proposals(stepper.turn(raft(leadership(2, "n2")))).map(sequencesOf)).to.deep.equal([[1]]);
    expect(answersOf(stepper.tickAt(1200))).to.deep.equal([]);
    stepper.turn(raft({ kind: "proposalRefused", proposalId: 1, reason: "noLeader" }));
    expect(answersOf(stepper.tickAt(1499)), "nobody took it").to.deep.equal([]);
    expect(answersOf(stepper.tickAt(1500))).to.deep.equal(["2 OVERLOADED"]);
  });
});

describe("ingress: milestones", () => {
  it("say when what was asked together was handed to raft, taken by it, and decided", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.nowMs = 10;
    stepper.turn(stepper.put(), stepper.put(), stepper.ask(linearizable));
    stepper.nowMs = 20;
    stepper.turn(accepted(1, 1), raft({ kind: "readGranted", readId: 1, readIndex: 2 }));
    stepper.nowMs = 30;
    const [first] = stepper.turn(store(applied(1, 1, 1))).answers;
    expect(first?.milestones).to.include({ askedAtMs: 10, takenAtMs: 20, decidedAtMs: 30 });
    stepper.nowMs = 40;
    const later = stepper.turn(store(applied(1, 2, 2))).answers;
    expect(later.map(({ requestId }) => requestId)).to.deep.equal([2, 3]);
    for (const { milestones } of later) {
      expect(milestones).to.include({ askedAtMs: 10, takenAtMs: 20, decidedAtMs: 40 });
    }
  });

  it("are there for what ran out of time at raft, and not for what never left", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put(100));
    const [proposed] = stepper.tickAt(1000).answers;
    expect(proposed?.milestones).to.include({ takenAtMs: 0, decidedAtMs: 1000 });
    const leaderless = new Stepper();
    leaderless.lead(1, null);
    leaderless.turn(leaderless.put(100));
    expect(leaderless.tickAt(1000).answers[0]?.milestones).to.equal(null);
  });
});

describe("ingress: reads", () => {
  it("asks one round for all reads of a turn, and waits for the read index to be applied", () => {
    const stepper = new Stepper();
    stepper.lead();
    const effects = stepper.turn(stepper.ask(linearizable), stepper.ask(linearizable));
    expect(effects.toRaft).to.deep.equal([{ kind: "readIndex", readId: 1 }]);
    expect(answersOf(stepper.turn(raft({ kind: "readGranted", readId: 1, readIndex: 7 })))).to.deep.equal([]);
    expect(answersOf(stepper.turn(store(applied(1, 6))))).to.deep.equal([]);
    expect(answersOf(stepper.turn(store(applied(1, 7))))).to.deep.equal(["1 readable", "2 readable"]);
  });

  it("lets a read join only a round that is asked after it came, two at most under way", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.ask(linearizable));
    expect(stepper.turn(stepper.ask(linearizable)).toRaft).to.deep.equal([{ kind: "readIndex", readId: 2 }]);
    expect(stepper.turn(stepper.ask(linearizable)).toRaft).to.deep.equal([]);
    const effects = stepper.turn(raft({ kind: "readGranted", readId: 1, readIndex: 0 }));
    expect(answersOf(effects)).to.deep.equal(["1 readable"]);
    expect(effects.toRaft).to.deep.equal([{ kind: "readIndex", readId: 3 }]);
  });

  it("asks again what was refused, under a new id, and what was never answered", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.ask(linearizable, 5000));
    expect(stepper.turn(raft({ kind: "readRefused", readId: 1 })).toRaft).to.deep.equal([]);
    expect(stepper.tickAt(50).toRaft).to.deep.equal([{ kind: "readIndex", readId: 2 }]);
    expect(stepper.tickAt(1000).toRaft).to.deep.equal([]);
    expect(stepper.tickAt(1050).toRaft).to.deep.equal([{ kind: "readIndex", readId: 3 }]);
    expect(answersOf(stepper.turn(raft({ kind: "readGranted", readId: 2, readIndex: 0 })))).to.deep.equal([]);
    expect(answersOf(stepper.turn(raft({ kind: "readGranted", readId: 3, readIndex: 0 })))).to.deep.equal([
      "1 readable",
    ]);
  });

  it("says at the deadline what was missing", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.ask(linearizable), stepper.ask(stale));
    expect(answersOf(stepper.tickAt(1000))).to.deep.equal(["1 TIMEOUT", "2 TOO_STALE"]);
    stepper.turn(raft(leadership(2, null)), stepper.ask(linearizable));
    expect(answersOf(stepper.tickAt(2000))).to.deep.equal(["3 NO_LEADER"]);
  });

  it("answers once the revision is reached, without asking raft for a stale read", () => {
    const stepper = new Stepper();
    stepper.lead(1, null);
    expect(stepper.turn(stepper.ask(stale)).toRaft).to.deep.equal([]);
    expect(answersOf(stepper.turn(store(applied(1, 8))))).to.deep.equal([]);
    expect(answersOf(stepper.turn(store(applied(1, 9))))).to.deep.equal(["1 readable"]);
  });

  it("await the state from their grant until it has come so far, and a stale one at once", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.ask(linearizable));
    expect(stepper.ingress.awaitsState).to.equal(false);
    stepper.turn(raft({ kind: "readGranted", readId: 1, readIndex: 5 }));
    expect(stepper.ingress.awaitsState).to.equal(true);
    const seen = { nowMs: 0, appliedIndex: 5, revision: 0 };
    expect(answersOf(stepper.ingress.turn([{ kind: "stateMoved" }], seen))).to.deep.equal(["1 readable"]);
    expect(stepper.ingress.awaitsState).to.equal(false);
    stepper.turn(stepper.ask(stale));
    expect(stepper.ingress.awaitsState).to.equal(true);
    stepper.ingress.turn([{ kind: "stateMoved" }], { nowMs: 0, appliedIndex: 9, revision: 9 });
    expect(stepper.ingress.awaitsState).to.equal(false);
  });

  it("answers no read before the state is open", () => {
    const stepper = new Stepper();
    stepper.turn(raft(leadership(1, "n1")), stepper.ask(linearizable));
    expect(answersOf(stepper.turn(raft({ kind: "readGranted", readId: 1, readIndex: 0 })))).to.deep.equal([]);
    const effects = stepper.turn({ kind: "viewOpened", generation: 4 });
    expect(answersOf(effects)).to.deep.equal(["1 readable"]);
    expect(effects.toStore).to.deep.equal([{ kind: "generationEntered", generation: 4 }]);
  });
});
