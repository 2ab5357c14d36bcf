import { executionAsyncResource } from "node:async_hooks";
import { expect } from "chai";
import { describe, it } from "mocha";
import { keepTickShape } from "../../src/actor/tick-shape.ts";
import { collectGarbage } from "../support/garbage.ts";

describe("the shape of ticks", () => {
  it("is kept by a tick that outlives every collection", async () => {
    const kept = new WeakRef(await keepTickShape());
    const fleeting = new WeakRef(await tick());
    await collectGarbage();
    expect(fleeting.deref()).to.equal(undefined);
    expect(Reflect.ownKeys(kept.deref() ?? {})).to.deep.equal(Reflect.ownKeys(await tick()));
    expect(Reflect.ownKeys(await tick()).filter((key) => typeof key === "symbol")).to.have.lengthOf(2);
  });
});

function tick(): Promise<object> {
  return new Promise((resolve) => {
    process.nextTick(() => resolve(executionAsyncResource()));
  });
}
