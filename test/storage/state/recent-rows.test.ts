import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { hashOfKey } from "../../../src/storage/state/key-hash.ts";
import { RecentRows } from "../../../src/storage/state/recent-rows.ts";
import { bytes } from "./support.ts";

const ringBytes = 8192;

function set(rows: RecentRows, key: string, row: string | null): void {
  rows.set(bytes(key), hashOfKey(bytes(key)), row === null ? null : bytes(row));
}

function get(rows: RecentRows, key: string): string | undefined {
  const row = rows.get(bytes(key), hashOfKey(bytes(key)));
  return row === undefined ? undefined : new TextDecoder().decode(row);
}

describe("the rows that were written last", () => {
  it("are found, each as it was last, until newer ones take their place", () => {
    const rows = new RecentRows(ringBytes);
    expect(get(rows, "ka")).to.equal(undefined);
    set(rows, "ka", "1");
    set(rows, "ka", "2");
    expect(get(rows, "ka")).to.equal("2");
    for (let at = 0; at < 100; at++) set(rows, `kother-${at}`, "x".repeat(100));
    expect(get(rows, "ka")).to.equal(undefined);
    expect(get(rows, "kother-99")).to.equal("x".repeat(100));
  });

  it("are not found once they went, or are too large to be kept", () => {
    const rows = new RecentRows(ringBytes);
    for (const after of [null, "x".repeat(5000)]) {
      set(rows, "ka", "1");
      set(rows, "ka", after);
      expect(get(rows, "ka")).to.equal(undefined);
    }
    set(rows, "ka", "");
    expect(get(rows, "ka")).to.equal("");
  });

  it("are told apart when their hashes are the same", () => {
    const rows = new RecentRows(ringBytes);
    rows.set(bytes("ka"), 7, bytes("1"));
    expect(rows.get(bytes("kb"), 7)).to.equal(undefined);
    expect(rows.get(bytes("kab"), 7)).to.equal(undefined);
    rows.set(bytes("kb"), 7, bytes("2"));
    expect(rows.get(bytes("ka"), 7)).to.equal(undefined);
    expect(rows.get(bytes("kb"), 7)).to.deep.equal(bytes("2"));
  });

  it("share their places with three others", () => {
    const rows = new RecentRows(ringBytes);
    const hashes = [1, 2, 3, 4, 5].map((high) => high * 65_536);
    for (const hash of hashes) rows.set(bytes(`k${hash}`), hash, bytes("x"));
    expect(hashes.map((hash) => rows.get(bytes(`k${hash}`), hash) !== undefined)).to.deep.equal([
      false,
      true,
      true,
      true,
      true,
    ]);
  });

  it("are given as copies that outlive them", () => {
    const rows = new RecentRows(ringBytes);
    set(rows, "ka", "1");
    const given = rows.get(bytes("ka"), hashOfKey(bytes("ka")));
    for (let at = 0; at < 100; at++) set(rows, `kother-${at}`, "x".repeat(100));
    expect(given).to.deep.equal(bytes("1"));
  });

  it("are never any but the last of their key, in any order of writes", () => {
    const write = fc.record({
      key: fc.nat({ max: 20 }).map((number) => `k${number}`),
      row: fc.option(fc.nat({ max: 4_200 }).map((length) => length)),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
        const rows = new RecentRows(ringBytes);
        const last = new Map<string, string | null>();
        for (const [at, { key, row: length }] of writes.entries()) {
          const row = length === null ? null : String.fromCharCode(97 + (at % 26)).repeat(length);
          set(rows, key, row);
          last.set(key, row);
          if (row !== null && row.length < 4_000) expect(get(rows, key)).to.equal(row);
          for (const known of last.keys()) expect(get(rows, known)).to.be.oneOf([undefined, last.get(known)]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
