import { expect } from "chai";
import { describe, it } from "mocha";
import type { IngressInput } from "../../../src/actors/ingress/turn.ts";
import { decodeCommand } from "../../../src/codec/command.ts";
import { resultToWire } from "../../../src/kv/result.ts";
import {
  accepted,
  answersOf,
  applied,
  leadership,
  noLeader,
  proposals,
  raft,
  Stepper,
  sequencesOf,
  store,
} from "./stepper.ts";

const overtaken = (overtakenTerm: number): IngressInput =>
  store({ kind: "generationReady", generation: 2, path: "/2", overtakenTerm });

/** A keyed write is under way in term 1, and a snapshot of that term overtakes it. */
function doubtful(): Stepper {
  const stepper = new Stepper();
  stepper.lead();
  stepper.turn(stepper.put(1000, 1, "k"), stepper.put());
  stepper.turn(accepted(1, 1));
  return stepper;
}

describe("ingress: writes with an idempotency key", () => {
  it("proposes one that a snapshot overtook again, in front; one without a key is of unknown outcome", () => {
    const stepper = doubtful();
    const effects = stepper.turn(stepper.put(), overtaken(1));
    expect(answersOf(effects)).to.deep.equal(["2 LEADERSHIP_LOST"]);
    expect(proposals(effects).map(sequencesOf)).to.deep.equal([[1, 3]]);
    expect(stepper.ingress.inFlight).to.equal(2);
    stepper.turn(accepted(2, 1));
    expect(answersOf(stepper.turn(store(applied(1, 3, 1, 3))))).to.deep.equal(["1 applied", "3 applied"]);
    expect([stepper.ingress.inFlight, stepper.ingress.pending]).to.deep.equal([0, 0]);
  });

  it("answers once, also when both proposals of it are executed", () => {
    const stepper = doubtful();
    stepper.turn(overtaken(1));
    stepper.turn(accepted(2, 1));
    expect(answersOf(stepper.turn(store(applied(1, 3, 1, 2), applied(1, 4, 1))))).to.deep.equal(["1 applied"]);
    expect(stepper.ingress.inFlight).to.equal(0);
  });

  it("takes it back once when the snapshot comes before the word that it was accepted", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(stepper.put(1000, 1, "k"));
    expect(proposals(stepper.turn(overtaken(1))).map(sequencesOf)).to.deep.equal([[1]]);
    stepper.turn(store(applied(2, 5)));
    // The first proposal was of term 1, which is over: it holds nothing that is still waited for.
    expect(proposals(stepper.turn(accepted(1, 1)))).to.deep.equal([]);
    stepper.turn(accepted(2, 2));
    expect(answersOf(stepper.turn(store(applied(2, 6, 1))))).to.deep.equal(["1 applied"]);
    expect([stepper.ingress.inFlight, stepper.ingress.pending]).to.deep.equal([0, 0]);
  });

  it("never says that one in doubt was not applied: not without a leader, not when refused, not when stopping", () => {
    const leaderless = doubtful();
    leaderless.turn(overtaken(1), raft(leadership(1, null)));
    expect(answersOf(leaderless.tickAt(1000))).to.deep.equal(["1 TIMEOUT"]);

    const refused = doubtful();
    refused.turn(overtaken(1));
    const tooMuch = raft({ kind: "proposalRefused", proposalId: 2, reason: "overloaded" });
    expect(answersOf(refused.turn(tooMuch))).to.deep.equal(["1 LEADERSHIP_LOST"]);

    const stopping = doubtful();
    stopping.turn(overtaken(1), raft(leadership(1, null)), { kind: "stop", deadlineMs: 10 });
    expect(answersOf(stopping.tickAt(10))).to.deep.equal(["1 TIMEOUT"]);

    const certain = new Stepper();
    certain.lead();
    certain.turn(certain.put(1000, 1, "k"));
    certain.turn(noLeader(1), raft(leadership(2, null)));
    expect(answersOf(certain.tickAt(1000))).to.deep.equal(["1 NO_LEADER"]);
  });
});

describe("ingress: keep-alives", () => {
  const kept = (...leases: readonly (readonly [leaseId: number, ttlMs: number])[]): IngressInput => {
    const result = { kind: "leasesKept", leases: leases.map(([leaseId, ttlMs]) => ({ leaseId, ttlMs })) } as const;
    return store({
      kind: "batchApplied",
      appliedIndex: 1,
      appliedTerm: 1,
      revision: 3,
      results: [[1, 3, resultToWire(result)]],
    });
  };
  const ask = (stepper: Stepper, leaseId: number, timeoutMs = 1000): IngressInput =>
    stepper.ask({ kind: "keepAlive", leaseId, redirect: false }, timeoutMs);

  it("puts all of a turn into one command, each lease once, and tells each request of its own", () => {
    const stepper = new Stepper();
    stepper.lead();
    const effects = stepper.turn(ask(stepper, 7), ask(stepper, 9), ask(stepper, 7));
    const [propose] = proposals(effects);
    expect(propose?.ends).to.have.length(1);
    const { operation } = decodeCommand(propose?.slab ?? new Uint8Array(0));
    expect(operation).to.deep.equal({ kind: "leaseKeepAlive", leaseIds: [7, 9] });
    stepper.turn(accepted(1, 1));
    const { answers } = stepper.turn(kept([7, 5000], [9, 0]));
    expect(answers.map(({ requestId, outcome }) => [requestId, outcome])).to.deep.equal(
      (
        [
          [1, 7, 5000],
          [3, 7, 5000],
          [2, 9, 0],
        ] as const
      ).map(([requestId, leaseId, ttlMs]) => [
        requestId,
        { kind: "applied", revision: 3, result: { kind: "leasesKept", leases: [{ leaseId, ttlMs }] } },
      ]),
    );
    expect([stepper.ingress.inFlight, stepper.ingress.pending]).to.deep.equal([0, 0]);
  });

  it("begins another command above the bound of one", () => {
    const stepper = new Stepper({ pendingRequestsMax: 2000, pendingBytesMax: 100_000, slabBytesMax: 100_000 });
    stepper.lead();
    const effects = stepper.turn(...Array.from({ length: 1001 }, (_, at) => ask(stepper, at + 1)));
    expect(proposals(effects).map(({ ends }) => ends.length)).to.deep.equal([2]);
  });

  it("tells each when its own time is over, and forgets those that are gone", () => {
    const stepper = new Stepper();
    stepper.lead();
    stepper.turn(ask(stepper, 7, 100), ask(stepper, 8, 1000), ask(stepper, 9, 1000));
    stepper.turn(accepted(1, 1), { kind: "cancelled", requestId: 3 });
    expect(answersOf(stepper.tickAt(100))).to.deep.equal(["1 TIMEOUT"]);
    expect(answersOf(stepper.turn(kept([7, 5], [8, 5], [9, 5])))).to.deep.equal(["2 applied"]);
    expect(stepper.ingress.pending).to.equal(0);
  });

  it("refuses all of a command that nobody took in time", () => {
    const stepper = new Stepper();
    stepper.lead(1, null);
    stepper.turn(ask(stepper, 7), ask(stepper, 8));
    expect(answersOf(stepper.tickAt(1000))).to.deep.equal(["1 NO_LEADER", "2 NO_LEADER"]);
  });

  it("refuses at once what finds no room", () => {
    const stepper = new Stepper({ pendingBytesMax: 1 });
    stepper.lead();
    expect(answersOf(stepper.turn(ask(stepper, 7)))).to.deep.equal(["1 OVERLOADED"]);
    expect(stepper.ingress.pending).to.equal(0);
  });
});
