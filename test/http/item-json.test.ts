import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { itemObject, itemText } from "../../src/http/item-json.ts";

const record = { createRevision: 1, modRevision: 2 ** 50, version: 3, leaseId: 0 };
const bytes = (text: string): Buffer => Buffer.from(text);

describe("http: an item of a listing as text", () => {
  for (const [what, key, value] of [
    ["plain text", bytes("a/b"), bytes("value of a")],
    ["nothing", bytes(""), bytes("")],
    ["no value", bytes("a"), null],
    ["quotes and backslashes", bytes('a"b'), bytes("\\")],
    ["control characters", bytes("a\nb\u007f"), bytes("\u0000\u001f")],
    ["text beyond ASCII", bytes("é"), bytes("\u2028🙂")],
    ["bytes that are no text", Buffer.of(0xff), Buffer.of(0x61, 0xc3)],
    ["the outermost characters that stand for themselves", bytes(" ~"), bytes("!#[]")],
  ] as const) {
    it(`is what JSON makes of the item: ${what}`, () => {
      const item = { ...record, value };
      expect(itemText(key, item)).to.equal(JSON.stringify(itemObject(key, item)));
    });
  }

  it("is what JSON makes of any item", () => {
    const mostlyText = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: "binary" }).map((text) => new Uint8Array(Buffer.from(text))),
      fc.string().map((text) => new Uint8Array(Buffer.from(text))),
    );
    const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(
        mostlyText,
        fc.record({
          value: fc.option(mostlyText),
          createRevision: whole,
          modRevision: whole,
          version: whole,
          leaseId: whole,
        }),
        (key, item) => {
          expect(itemText(key, item)).to.equal(JSON.stringify(itemObject(key, item)));
        },
      ),
    );
  });
});
