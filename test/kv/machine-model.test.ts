import { crc32 } from "node:zlib";
import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { decode, encode } from "../../src/codec/codec.ts";
import { decodeCommand, encodeCommand } from "../../src/codec/command.ts";
import { dueOfKey, keyOfAttachment, numberOfKey, rowPrefixes } from "../../src/kv/keys.ts";
import { decodeLease } from "../../src/kv/lease.ts";
import type { MachineEntry } from "../../src/kv/machine.ts";
import { resultFromWire, resultToWire } from "../../src/kv/result.ts";
import { planTrim } from "../../src/kv/trim.ts";
import { cuts, entries } from "./commands.ts";
import { Model, words } from "./model.ts";
import { modelRecord, plain } from "./plain.ts";
import { Rows } from "./support.ts";

interface Outcome {
  readonly sequence: number;
  readonly result: unknown;
  readonly revision: number;
}

function applyCut(rows: Rows, log: readonly MachineEntry[], sizes: readonly number[]): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at = 0, turn = 0; at < log.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    const { results } = rows.apply(log.slice(at, at + size));
    for (const { sequence, revision, result } of results) outcomes.push({ sequence, revision, result: plain(result) });
    at += size;
  }
  return outcomes;
}

function applyToModel(model: Model, log: readonly MachineEntry[]): Outcome[] {
  return log.flatMap((entry): Outcome[] => {
    const outcome = model.apply(entry);
    if (outcome === null || entry.kind !== "command") return [];
    return [{ sequence: entry.command.sequence, ...outcome }];
  });
}

/** Rows that are the same on every node, by the names of their keys: all but history, numbered rows and meta. */
function replicatedRows(rows: Rows): unknown {
  const local: readonly (number | undefined)[] = [rowPrefixes.history, rowPrefixes.batch, rowPrefixes.meta];
  return [...rows.rows.entries()]
    .filter(([, { key }]) => !local.includes(key[0]))
    .map(([name, { value }]) => [name, words(value)])
    .sort(([one], [other]) => ((one ?? "") < (other ?? "") ? -1 : 1));
}

describe("the state machine against a naive model", () => {
  it("answers every command as the model does, and holds the same keys, leases and bounds", () => {
    fc.assert(
      fc.property(entries, cuts, (log, sizes) => {
        const rows = new Rows();
        const model = new Model();
        expect(applyCut(rows, log, sizes)).to.deep.equal(applyToModel(model, log));
        const { revision, compactedRevision, termStartTime, appliedIndex, leases } = rows.meta;
        expect({ revision, compactedRevision, appliedIndex }).to.deep.equal({
          revision: model.revision,
          compactedRevision: model.compactedRevision,
          appliedIndex: log.length,
        });
        if (log.length > 0) expect(termStartTime).to.equal(model.termStartTime);
        const current = [...rows.scan({ from: Uint8Array.of(0x6b), to: Uint8Array.of(0x6c), order: "asc" })];
        expect(current.length).to.be.at.least(model.records.size);
        for (const [key, record] of rows.currentByWords())
          expect(modelRecord(record)).to.deep.equal(model.records.get(key) ?? null);
        expect(leases).to.equal(model.leases.size);
        expectLeases(rows, model);
        expect(rows.meta.sessionsEnd - rows.meta.sessionsFrom).to.equal(model.sessions.size);
      }),
      { numRuns: 400 },
    );
  });

  it("has changes in its history that make each state from the one before", () => {
    fc.assert(
      fc.property(entries, cuts, (log, sizes) => {
        const rows = new Rows();
        const model = new Model();
        applyCut(rows, log, sizes);
        applyToModel(model, log);
        const changes = rows
          .history()
          .flatMap((chunk) => chunk.changes)
          .map(({ revision, ordinal, key, after, before }) => {
            const [record, previous] = [modelRecord(after), modelRecord(before)];
            return { revision, ordinal, key: words(key), record, previous };
          });
        expect(changes).to.deep.equal(model.changes);
      }),
      { numRuns: 200 },
    );
  });
});

/** Each lease with its keys, and the row that says when it is due. */
function expectLeases(rows: Rows, model: Model): void {
  const found = new Map<number, unknown>();
  const due: unknown[] = [];
  const attached: string[] = [];
  for (const { key, value } of rows.rows.values()) {
    if (key[0] === rowPrefixes.lease) {
      const { ttlMs, implicit, renewedTime, renewal, keys } = decodeLease(key, value, crc32);
      found.set(numberOfKey(key), { ttlMs, implicit, renewedTime, renewal, keys });
    }
    if (key[0] === rowPrefixes.due) due.push(dueOfKey(key));
    if (key[0] === rowPrefixes.attachment) attached.push(`${numberOfKey(key)} ${words(keyOfAttachment(key))}`);
  }
  const held = [...model.records].filter(([, { leaseId }]) => leaseId !== 0);
  expect(attached.sort()).to.deep.equal(held.map(([key, { leaseId }]) => `${leaseId} ${key}`).sort());
  const expected = [...model.leases].map(([id, lease]): [number, unknown] => [
    id,
    { ...lease, keys: held.filter(([, { leaseId }]) => leaseId === id).length },
  ]);
  expect(found).to.deep.equal(new Map(expected));
  const times = [...model.leases].map(([leaseId, { renewedTime, ttlMs }]) => ({ time: renewedTime + ttlMs, leaseId }));
  expect(due).to.have.deep.members(times);
}

describe("determinism", () => {
  it("gives the same rows, results and hash however the log is cut into batches", () => {
    fc.assert(
      fc.property(entries, cuts, (log, sizes) => {
        const [one, other] = [new Rows(), new Rows()];
        expect(applyCut(one, log, [1])).to.deep.equal(applyCut(other, log, sizes));
        expect(replicatedRows(one)).to.deep.equal(replicatedRows(other));
        const { batch, historyBytes, historyFrom, ...replicated } = one.meta;
        expect(other.meta).to.include(replicated);
        expect([batch, historyBytes, historyFrom]).to.have.length(3);
      }),
      { numRuns: 200 },
    );
  });

  it("depends on no bound of a batch, and on nothing that was trimmed", () => {
    fc.assert(
      fc.property(entries, cuts, (log, sizes) => {
        const [one, other] = [new Rows(), new Rows()];
        const outcomes = applyCut(one, log, sizes);
        const trimmed = log.flatMap((entry) => {
          const { trim } = planTrim(other.meta, other.historyRows(), crc32);
          return other.apply([entry], trim).results.map((each) => ({ ...each, result: plain(each.result) }));
        });
        expect(trimmed).to.deep.equal(outcomes);
        expect(other.meta.stateHash).to.equal(one.meta.stateHash);
        const stored = other.historyRows().reduce((total, { value }) => total + value.byteLength, 0);
        expect(other.meta.historyBytes).to.equal(stored);
      }),
      { numRuns: 200 },
    );
  });

  it("has a hash that is the sum over the current records", () => {
    fc.assert(
      fc.property(entries, (log) => {
        const rows = new Rows();
        rows.apply(log);
        let sum = 0;
        for (const [, record] of rows.currentByWords())
          if (record.kind === "value") sum = (sum + record.hash) % 2 ** 48;
        expect(rows.meta.stateHash).to.equal(sum);
      }),
      { numRuns: 100 },
    );
  });
});

describe("commands and results", () => {
  it("come back from the wire as they went", () => {
    fc.assert(
      fc.property(entries, (log) => {
        const rows = new Rows();
        for (const entry of log) {
          if (entry.kind !== "command") continue;
          const back = decodeCommand(encodeCommand(entry.command));
          expect(plain(back)).to.deep.equal(plain(entry.command));
        }
        for (const { result } of rows.apply(log).results) {
          const wire = decode(encode(resultToWire(result))) as unknown[];
          expect(plain(resultFromWire(wire))).to.deep.equal(plain(result));
        }
      }),
      { numRuns: 200 },
    );
  });
});
