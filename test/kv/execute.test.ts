import { expect } from "chai";
import { describe, it } from "mocha";
import type { Operation } from "../../src/kv/command.ts";
import { machineLimits } from "../../src/kv/limits.ts";
import { RecordFormatError } from "../../src/kv/record.ts";
import type { Transaction, TransactionOperation } from "../../src/kv/transaction.ts";
import { plain } from "./plain.ts";
import { bytes, command, put, putAll, Rows } from "./support.ts";

const everything = { from: bytes(""), to: null };

function txn(...success: TransactionOperation[]): Operation {
  const transaction: Transaction = { compares: [], success, failure: [] };
  return { kind: "txn", transaction };
}

function putting(key: string, leaseId: number, value = "1"): TransactionOperation {
  return { kind: "put", key: bytes(key), value: bytes(value), leaseId, ttlMs: 0 };
}

function results(rows: Rows, ...operations: Operation[]): unknown[] {
  return rows.apply(operations.map((each) => command(each))).results.map(({ result }) => plain(result));
}

/** All but what counts entries and batches. */
function standing(rows: Rows): unknown {
  const { appliedIndex, batch, ...rest } = rows.meta;
  expect(appliedIndex).to.be.at.least(batch);
  return rest;
}

describe("a command beyond its bounds changes nothing", () => {
  const cases: readonly (readonly [string, Partial<typeof machineLimits>, Operation, unknown])[] = [
    [
      "deleting a range of too many keys",
      { deletedKeysMax: 2 },
      { kind: "deleteRange", range: everything },
      { kind: "tooLarge", what: "deletion" },
    ],
    [
      "deleting a range of too many bytes",
      { deletedBytesMax: 10 },
      { kind: "deleteRange", range: everything },
      { kind: "tooLarge", what: "deletion" },
    ],
    [
      "a transaction that deletes too much after a put",
      { deletedKeysMax: 2 },
      txn(putting("d", 0), { kind: "deleteRange", range: { from: bytes("a"), to: bytes("d") } }),
      { kind: "tooLarge", what: "deletion" },
    ],
    [
      "a transaction that answers too much after a put",
      { resultBytesMax: 100 },
      txn(putting("d", 0), { kind: "range", range: everything, order: "asc", limit: 9, values: true }),
      { kind: "tooLarge", what: "answer" },
    ],
    [
      "a transaction that answers too many keys after a put, over all its operations",
      { resultKeysMax: 4 },
      txn(
        putting("d", 0),
        { kind: "get", key: bytes("a") },
        { kind: "range", range: everything, order: "asc", limit: 9, values: false },
      ),
      { kind: "tooLarge", what: "answer" },
    ],
    ["a put with a lease that is not there", {}, { ...leasedPut("d", 77) }, { kind: "leaseNotFound", leaseId: 77 }],
    [
      "a transaction with a lease that is not there",
      {},
      txn(putting("d", 0), putting("e", 77)),
      { kind: "leaseNotFound", leaseId: 77 },
    ],
    ["a transaction that changes a key twice", {}, txn(putting("a", 0), putting("a", 0)), { kind: "keyChangedTwice" }],
  ];
  for (const [what, limits, operation, refusal] of cases)
    it(what, () => {
      const rows = new Rows({ ...machineLimits, ...limits });
      rows.apply([putAll({ a: "aaaa", b: "bbbb", c: "cccc" })]);
      const before = standing(rows);
      const [current, history] = [rows.currentByWords(), rows.historyRows().length];
      expect(results(rows, operation)).to.deep.equal([refusal]);
      expect(standing(rows)).to.deep.equal(before);
      expect(rows.currentByWords()).to.deep.equal(current);
      expect(rows.historyRows().length).to.equal(history);
    });
});

function leasedPut(key: string, leaseId: number, value = "1"): Operation {
  return { kind: "put", key: bytes(key), value: bytes(value), leaseId, condition: { kind: "none" } };
}

describe("a lease", () => {
  it("takes as many keys as one command may delete, and those that it has may be put again", () => {
    const rows = new Rows({ ...machineLimits, leaseKeysMax: 2 });
    const outcome = results(
      rows,
      { kind: "leaseGrant", ttlMs: 1000 },
      leasedPut("a", 128),
      leasedPut("b", 128),
      leasedPut("c", 128),
      leasedPut("a", 128, "again"),
      txn(putting("b", 0), putting("c", 128)),
      leasedPut("c", 128),
    );
    expect(outcome.map((each) => (each as { kind: string }).kind)).to.deep.equal([
      "leaseGranted",
      "put",
      "put",
      "leaseFull",
      "put",
      "leaseFull",
      "leaseFull",
    ]);
  });

  it("counts the bytes of its keys", () => {
    const rows = new Rows({ ...machineLimits, leaseBytesMax: 200 });
    const grant: Operation = { kind: "leaseGrant", ttlMs: 1000 };
    const [, small, large, grown] = results(
      rows,
      grant,
      leasedPut("a", 128),
      leasedPut("b", 128, "x".repeat(200)),
      leasedPut("a", 128, "x".repeat(200)),
    );
    expect(small).to.have.property("kind", "put");
    for (const refused of [large, grown]) expect(refused).to.deep.equal({ kind: "leaseFull", leaseId: 128 });
  });

  it("granted with a put stays when its transaction gives it another key", () => {
    const rows = new Rows();
    const withTtl: Operation = { ...leasedPut("a", 0), ttlMs: 1000 } as Operation;
    results(rows, withTtl, txn({ kind: "delete", key: bytes("a") }, putting("b", 128)));
    expect(rows.meta.leases).to.equal(1);
    expect(results(rows, { kind: "leaseRevoke", leaseId: 128 })).to.deep.equal([{ kind: "leaseEnded", deleted: 1 }]);
    expect(rows.meta.leases).to.equal(0);
  });

  it("that has lost a key of its own, or holds another's, is not ended", () => {
    for (const isForeign of [true, false]) {
      const rows = new Rows();
      rows.apply([command({ kind: "leaseGrant", ttlMs: 1000 }), command(leasedPut("a", 128)), put("b", "1")]);
      for (const [name, { key, value }] of [...rows.rows])
        if (key[0] === 0x61) {
          rows.rows.delete(name);
          const foreign = Uint8Array.from(key);
          foreign[foreign.byteLength - 1] = 0x62;
          if (isForeign) rows.write([{ key: foreign, value }]);
        }
      expect(() => rows.apply([command({ kind: "leaseRevoke", leaseId: 128 })])).to.throw(RecordFormatError);
    }
  });
});
