import { expect } from "chai";
import { array, assert as assertThat, constantFrom, nat, property, tuple } from "fast-check";
import { describe, it } from "mocha";
import { ById } from "../../src/http/by-id.ts";

describe("what waits, by id", () => {
  it("behaves as a Map of the same entries", () => {
    const step = tuple(constantFrom("add", "delete", "get"), nat({ max: 12 }));
    assertThat(
      property(array(step, { maxLength: 200 }), (steps) => {
        const model = new Map<number, string>();
        const byId = new ById<string>();
        for (const [kind, id] of steps) {
          if (kind === "delete") expect(byId.delete(id)).to.equal(model.delete(id));
          if (kind === "add" && !model.has(id)) {
            model.set(id, `value ${id}`);
            byId.add(id, `value ${id}`);
          }
          expect(byId.get(id)).to.equal(model.get(id));
          expect(byId.has(id)).to.equal(model.has(id));
          expect(byId.size).to.equal(model.size);
        }
        expect([...byId.values()]).to.deep.equal([...model.values()]);
      }),
    );
  });

  it("may lose entries while they are gone through", () => {
    const byId = new ById<number>();
    for (const id of [1, 2, 3]) byId.add(id, id);
    const seen: number[] = [];
    for (const value of byId.values()) {
      seen.push(value);
      byId.delete(2);
    }
    expect(seen).to.deep.equal([1, 3]);
  });
});
