import { expect } from "chai";
import { describe, it } from "mocha";
import { Pump } from "../../src/actor/pump.ts";

function turnsOf(inputsPerTurnMax: number, inputs: readonly number[], turnsWanted: number): Promise<number[][]> {
  return new Promise((resolve) => {
    const turns: number[][] = [];
    const pump = new Pump<number>(
      (turn) => {
        turns.push([...turn]);
        if (turns.length === turnsWanted) resolve(turns);
      },
      { inputsPerTurnMax },
    );
    for (const input of inputs) pump.push(input);
  });
}

describe("the pump", () => {
  it("steps through all that came in one round together, in order", async () => {
    expect(await turnsOf(100, [1, 2, 3], 1)).to.deep.equal([[1, 2, 3]]);
  });

  it("leaves what exceeds a turn for the next ones", async () => {
    expect(await turnsOf(2, [1, 2, 3, 4, 5], 3)).to.deep.equal([[1, 2], [3, 4], [5]]);
  });

  it("never steps inside the caller's own event", () => {
    let stepped = false;
    const pump = new Pump<number>(
      () => {
        stepped = true;
      },
      { inputsPerTurnMax: 1 },
    );
    pump.push(1);
    expect(stepped).to.equal(false);
    pump.stop();
  });

  it("drops what waits when it is stopped, and takes no more", async () => {
    const pump = new Pump<number>(() => expect.fail("a stopped pump steps"), { inputsPerTurnMax: 1 });
    pump.push(1);
    pump.stop();
    pump.push(2);
    expect(pump.waiting).to.equal(0);
    await new Promise(setImmediate);
  });
});
