import { expect } from "chai";
import { describe, it } from "mocha";
import type { Operation } from "../../src/kv/command.ts";
import { rowPrefixes } from "../../src/kv/keys.ts";
import { machineLimits } from "../../src/kv/limits.ts";
import type { MachineEntry, OwnResult } from "../../src/kv/machine.ts";
import { RecordFormatError } from "../../src/kv/record.ts";
import { plain } from "./plain.ts";
import { bytes, origin, put, Rows } from "./support.ts";

const tenMinutes = 600_000;
let sequence = 0;

function keyed(key: string, operation: Operation, { time = 0, hash = 1 } = {}): MachineEntry {
  const idempotency = { key: bytes(key), requestHash: new Uint8Array(16).fill(hash) };
  return { kind: "command", term: 1, time, command: { origin, sequence: ++sequence, idempotency, operation } };
}

function putting(key: string, value = "1"): Operation {
  return { kind: "put", key: bytes(key), value: bytes(value), leaseId: 0, condition: { kind: "none" } };
}

function outcomes(rows: Rows, ...entries: MachineEntry[]): unknown[] {
  return rows.apply(entries).results.map(({ revision, result }: OwnResult) => [revision, plain(result)]);
}

function sessions(rows: Rows): number {
  return [...rows.rows.values()].filter(({ key }) => key[0] === rowPrefixes.session).length;
}

describe("a command with an idempotency key", () => {
  it("is executed once, and answered as the first time, whatever has happened since", () => {
    const rows = new Rows();
    expect(outcomes(rows, keyed("k", putting("a")), put("a", "2"), keyed("k", putting("a")))).to.deep.equal([
      [1, { kind: "put", modRevision: 1 }],
      [2, { kind: "put", modRevision: 2 }],
      [1, { kind: "put", modRevision: 1 }],
    ]);
    expect(rows.meta.revision).to.equal(2);
  });

  it("is refused when the key belongs to another request, and then nothing of it is remembered", () => {
    const rows = new Rows();
    const results = outcomes(rows, keyed("k", putting("a")), keyed("k", putting("b"), { hash: 2 }));
    expect(results[1]).to.deep.equal([1, { kind: "idempotencyMismatch" }]);
    expect(sessions(rows)).to.equal(1);
  });

  it("is answered with a condition that failed, also when it would hold by now", () => {
    const rows = new Rows();
    const ifAbsent: Operation = { ...putting("a", "x"), condition: { kind: "absent" } } as Operation;
    const gone: Operation = { kind: "delete", key: bytes("a"), condition: { kind: "none" } };
    const results = outcomes(rows, put("a", "1"), keyed("k", ifAbsent), keyed("d", gone), keyed("k", ifAbsent));
    expect(results[3]).to.deep.equal([1, { kind: "conditionFailed", modRevision: 1 }]);
    expect(results[1]).to.deep.equal(results[3]);
  });

  it("is remembered for ten minutes of cluster time at least, and then goes with the next ones", () => {
    const rows = new Rows();
    rows.apply([keyed("old", putting("a"))]);
    rows.apply([keyed("new", putting("a"), { time: tenMinutes - 1 })]);
    expect(outcomes(rows, keyed("old", putting("a"), { time: tenMinutes - 1 }))).to.deep.equal([
      [1, { kind: "put", modRevision: 1 }],
    ]);
    rows.apply([keyed("newer", putting("a"), { time: tenMinutes })]);
    expect(sessions(rows)).to.equal(2);
    expect(outcomes(rows, keyed("old", putting("a"), { time: tenMinutes }))).to.deep.equal([
      [4, { kind: "put", modRevision: 4 }],
    ]);
  });

  it("is refused when there is no room, and no other is forgotten early for it", () => {
    const rows = new Rows({ ...machineLimits, sessionBytesMax: 300 });
    let accepted = 0;
    for (let number = 0; number < 10; number++) {
      const [outcome] = outcomes(rows, keyed(`k${number}`, putting("a")));
      if (JSON.stringify(outcome).includes("sessionsFull")) break;
      accepted++;
    }
    expect(accepted).to.be.within(2, 6);
    expect(rows.meta.revision).to.equal(accepted);
    expect(sessions(rows)).to.equal(accepted);
    expect(outcomes(rows, keyed("k0", putting("a")))).to.deep.equal([[1, { kind: "put", modRevision: 1 }]]);
    expect(outcomes(rows, put("a", "unkeyed"))).to.deep.equal([
      [accepted + 1, { kind: "put", modRevision: accepted + 1 }],
    ]);
    const later = outcomes(rows, keyed("later", putting("a"), { time: tenMinutes }));
    expect(later).to.deep.equal([[accepted + 2, { kind: "put", modRevision: accepted + 2 }]]);
  });

  it("counts the bytes of its rows exactly", () => {
    const rows = new Rows();
    for (let number = 0; number < 30; number++)
      rows.apply([keyed(`key ${number}`, putting("a"), { time: number * 100_000 })]);
    const stored = [...rows.rows.values()]
      .filter(({ key }) => key[0] === rowPrefixes.session || key[0] === rowPrefixes.sessionQueue)
      .reduce((total, { key, value }) => total + key.byteLength + value.byteLength, 0);
    expect(rows.meta.sessionBytes).to.equal(stored);
    expect(sessions(rows)).to.be.within(6, 8);
  });

  it("is remembered without the results of its transaction when these are large", () => {
    const rows = new Rows();
    const transaction = { compares: [], success: [{ kind: "get", key: bytes("large") }], failure: [] } as const;
    const read = keyed("k", { kind: "txn", transaction });
    const [, first, second] = outcomes(rows, put("large", "x".repeat(5000)), read, read);
    expect(JSON.stringify(first)).to.contain("xxxx");
    expect(second).to.deep.equal([1, { kind: "txn", succeeded: true, results: null }]);
  });

  it("is not answered from a damaged row", () => {
    const rows = new Rows();
    rows.apply([keyed("k", putting("a"))]);
    for (const { key, value } of rows.rows.values())
      if (key[0] === rowPrefixes.session) value[value.byteLength - 1] = 0xff;
    expect(() => rows.apply([keyed("k", putting("a"))])).to.throw(RecordFormatError);
  });
});
