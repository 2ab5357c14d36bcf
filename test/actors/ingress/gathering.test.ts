import { expect } from "chai";
import { describe, it } from "mocha";
import { Gathering } from "../../../src/actors/ingress/gathering.ts";
import type { Effects } from "../../../src/actors/ingress/outbox.ts";
import type { IngressInput } from "../../../src/actors/ingress/turn.ts";
import { accepted, applied, proposals, Stepper, sequencesOf, store } from "./stepper.ts";

const limits = { writersMin: 4, share: 0.6, commandsMax: 16, bytesMax: 1000, behindMsMax: 10, returnMsMax: 2 };

function proposed(effects: Effects): number[][] {
  return proposals(effects).map(sequencesOf);
}

/** An ingress that leads, after the first proposal of `writers` writes. */
function begun(writers: number): Stepper {
  const stepper = new Stepper({ gathering: limits, pendingRequestsMax: 100, proposalsInFlightMax: 100 });
  stepper.lead();
  stepper.turn(...puts(stepper, writers));
  stepper.turn(accepted(1, 1));
  return stepper;
}

function puts(stepper: Stepper, count: number): IngressInput[] {
  return Array.from({ length: count }, () => stepper.put());
}

describe("ingress: writes that gather", () => {
  it("go at once when nothing is under way", () => {
    const stepper = new Stepper({ gathering: limits, pendingRequestsMax: 100, proposalsInFlightMax: 100 });
    stepper.lead();
    expect(proposed(stepper.turn(...puts(stepper, 5)))).to.deep.equal([[1, 2, 3, 4, 5]]);
    expect(stepper.ingress.wakeAtMs).to.equal(0);
  });

  it("wait for the proposal ahead of them, and then for its writers to return", () => {
    const stepper = begun(3);
    stepper.nowMs = 5;
    expect(proposed(stepper.turn(...puts(stepper, 2)))).to.deep.equal([]);
    expect(stepper.ingress.wakeAtMs).to.equal(15);
    stepper.nowMs = 6;
    expect(proposed(stepper.turn(store(applied(1, 3, 1, 2, 3))))).to.deep.equal([]);
    expect(stepper.ingress.wakeAtMs).to.equal(8);
    stepper.nowMs = 7;
    expect(proposed(stepper.turn(...puts(stepper, 1))), "three of five").to.deep.equal([[4, 5, 6]]);
    expect(stepper.ingress.wakeAtMs).to.equal(0);
  });

  it("go beside the proposal ahead of them when they are as large a part of all writers", () => {
    const stepper = begun(4);
    expect(proposed(stepper.turn(...puts(stepper, 5)))).to.deep.equal([]);
    expect(proposed(stepper.turn(...puts(stepper, 1))), "six of ten").to.deep.equal([[5, 6, 7, 8, 9, 10]]);
  });

  it("go without those who do not return in time", () => {
    const stepper = begun(3);
    stepper.turn(...puts(stepper, 2), store(applied(1, 3, 1, 2, 3)));
    expect(stepper.ingress.wakeAtMs, "three of five would do").to.equal(2);
    stepper.nowMs = 2;
    expect(proposed(stepper.turn({ kind: "woken" }))).to.deep.equal([[4, 5]]);
  });

  it("go without the answer ahead of them when that is long in coming", () => {
    const stepper = begun(3);
    stepper.turn(...puts(stepper, 2));
    stepper.nowMs = 9;
    expect(proposed(stepper.turn(...puts(stepper, 1))), "three of six").to.deep.equal([]);
    stepper.nowMs = 10;
    expect(proposed(stepper.turn({ kind: "woken" }))).to.deep.equal([[4, 5, 6]]);
  });

  it("do not gather when the writers are few", () => {
    const stepper = begun(1);
    expect(proposed(stepper.turn(...puts(stepper, 2)))).to.deep.equal([[2, 3]]);
    expect(stepper.ingress.wakeAtMs).to.equal(0);
  });

  it("do not gather when they are many, or large", () => {
    const many = begun(3);
    expect(proposed(many.turn(...puts(many, 16)))).to.have.length(1);
    const large = new Gathering(limits);
    large.onQueued(900, 0);
    large.onProposed(3);
    large.onQueued(999, 0);
    expect(large.waitUntilMs(1, true, 0)).to.equal(10);
    large.onQueued(1, 0);
    expect(large.waitUntilMs(2, true, 0)).to.equal(0);
  });

  it("are not kept by an answer of long ago", () => {
    const stepper = begun(4);
    stepper.turn(store(applied(1, 4, 1, 2, 3, 4)));
    stepper.nowMs = 1000;
    expect(proposed(stepper.turn(...puts(stepper, 1)))).to.deep.equal([[5]]);
  });
});
