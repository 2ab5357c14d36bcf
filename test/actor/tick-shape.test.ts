import { executionAsyncResource } from "node:async_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { describe, it } from "mocha";
import { keepTickShape } from "../../src/actor/tick-shape.ts";

describe("the shape of ticks", () => {
  it("is kept by a tick that outlives every collection", async () => {
    const kept = new WeakRef(await keepTickShape());
    const fleeting = new WeakRef(await tick());
    await collect();
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

/** A major collection, in a turn that holds no tick. */
function collect(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  return new Promise((resolve) => {
    setImmediate(() => {
      gc();
      resolve();
    });
  });
}
