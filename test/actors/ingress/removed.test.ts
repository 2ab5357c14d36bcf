import { expect } from "chai";
import { describe, it } from "mocha";
import { accepted, answersOf, applied, leadership, linearizable, raft, Stepper, stale, store } from "./stepper.ts";

const removed = raft({ ...leadership(1, "n2"), removed: true });

describe("ingress of a node that was removed", () => {
  it("refuses at once what it has not proposed, as certainly not applied", () => {
    const stepper = new Stepper();
    stepper.lead(1, null);
    stepper.turn(stepper.put(), stepper.put());
    const { answers, toRaft } = stepper.turn(removed);
    expect(answers.map(({ outcome }) => outcome)).to.deep.equal(
      [1, 2].map(() => ({
        kind: "refused",
        code: "NO_LEADER",
        detail: "this node was removed from the cluster: ask a member",
      })),
    );
    expect(toRaft).to.deep.equal([]);
    expect(answersOf(stepper.turn(stepper.put()))).to.deep.equal(["3 NO_LEADER"]);
    expect(stepper.ingress.pending).to.equal(0);
  });

  it("gives results that were on their way, then says of what it has proposed that its outcome is unknown", () => {
    const stepper = new Stepper();
    stepper.lead(1, "n2");
    stepper.turn(stepper.put(), stepper.put());
    stepper.turn(accepted(1, 1));
    expect(answersOf(stepper.turn(removed))).to.deep.equal([]);
    expect(answersOf(stepper.tickAt(50))).to.deep.equal([]);
    expect(answersOf(stepper.turn(store(applied(1, 1, 1))))).to.deep.equal(["1 applied"]);
    expect(answersOf(stepper.tickAt(100)).concat(answersOf(stepper.tickAt(150)))).to.deep.equal([]);
    expect(answersOf(stepper.tickAt(200))).to.deep.equal(["2 LEADERSHIP_LOST"]);
    expect(stepper.ingress.inFlight).to.equal(0);
  });

  it("does not call not applied what may have been, before a snapshot overtook it", () => {
    const stepper = new Stepper();
    stepper.lead(1, "n2");
    stepper.turn(stepper.put(1000, 1, "key"));
    stepper.turn(accepted(1, 1));
    const overtaken = store({ kind: "generationReady", generation: 2, path: "/state/2", overtakenTerm: 1 });
    expect(answersOf(stepper.turn(overtaken, removed))).to.deep.equal(["1 LEADERSHIP_LOST"]);
    expect(stepper.ingress.pending).to.equal(0);
  });

  it("refuses reads that a leader would have to confirm, and no others", () => {
    const stepper = new Stepper();
    stepper.lead(1, "n2");
    stepper.turn(stepper.ask(linearizable), stepper.ask(stale));
    expect(answersOf(stepper.turn(removed))).to.deep.equal(["1 NO_LEADER"]);
    expect(answersOf(stepper.turn(stepper.ask(linearizable)))).to.deep.equal(["3 NO_LEADER"]);
    expect(stepper.ingress.pending).to.equal(1);
  });

  it("serves again as a member", () => {
    const stepper = new Stepper();
    stepper.lead(1, "n2");
    stepper.turn(removed);
    stepper.turn(raft(leadership(2, "n2")));
    expect(stepper.turn(stepper.put()).toRaft.map(({ kind }) => kind)).to.deep.equal(["propose"]);
  });
});
