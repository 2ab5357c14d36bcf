import { crc32 } from "node:zlib";
import { expect } from "chai";
import { describe, it } from "mocha";
import type { Condition } from "../../src/kv/command.ts";
import { rowPrefixes } from "../../src/kv/keys.ts";
import type { MachineEntry } from "../../src/kv/machine.ts";
import type { CurrentRecord } from "../../src/kv/record.ts";
import { planTrim } from "../../src/kv/trim.ts";
import { del, put, putAll, Rows, random, text } from "./support.ts";

interface ModelRecord {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** What the state machine ought to do, in the plainest words. */
class Model {
  revision = 0;
  readonly records = new Map<string, ModelRecord>();
  /** The whole state as of each revision. */
  readonly states: ReadonlyMap<string, ModelRecord>[] = [new Map()];

  apply(entry: MachineEntry): void {
    if (entry.kind !== "command") return;
    const { operation } = entry.command;
    if (operation.kind === "putAll") {
      for (const { key, value } of operation.pairs) this.#put(text(key), text(value));
    } else if (operation.kind === "put" || operation.kind === "delete") {
      const key = text(operation.key);
      const present = this.records.get(key);
      if (!this.#holds(operation.condition, present)) return;
      if (operation.kind === "put") this.#put(key, text(operation.value));
      else if (!this.records.delete(key)) return;
    }
    this.revision++;
    this.states.push(new Map(this.records));
  }

  #put(key: string, value: string): void {
    const old = this.records.get(key);
    const modRevision = this.revision + 1;
    this.records.set(key, {
      value,
      createRevision: old?.createRevision ?? modRevision,
      modRevision,
      version: (old?.version ?? 0) + 1,
    });
  }

  #holds(condition: Condition, present: ModelRecord | undefined): boolean {
    if (condition.kind === "present") return present !== undefined;
    if (condition.kind === "absent") return present === undefined;
    return condition.kind === "none" || present?.modRevision === condition.revision;
  }
}

function randomEntries(seed: number, count: number): MachineEntry[] {
  const draw = random(seed);
  const key = (): string => `key ${draw(12)}`;
  const condition = (): Condition => {
    switch (draw(6)) {
      case 0:
        return { kind: "present" };
      case 1:
        return { kind: "absent" };
      case 2:
        return { kind: "modRevision", revision: draw(count) };
      default:
        return { kind: "none" };
    }
  };
  return Array.from({ length: count }, (_, time): MachineEntry => {
    switch (draw(8)) {
      case 0:
        return { kind: "noop", term: 1, time };
      case 1:
        return putAll({ [key()]: `all ${time}`, [key()]: `and ${time}` }, time);
      case 2:
      case 3:
        return del(key(), condition(), time);
      default:
        return put(key(), `value ${time}`, condition(), time);
    }
  });
}

function applyInBatches(entries: readonly MachineEntry[], batchMax: number, seed: number): Rows {
  const draw = random(seed);
  const rows = new Rows();
  for (let at = 0; at < entries.length; ) {
    const size = 1 + draw(batchMax);
    rows.apply(entries.slice(at, at + size));
    at += size;
  }
  return rows;
}

function asModel(record: CurrentRecord | null | undefined): ModelRecord | undefined {
  if (record?.kind !== "value") return undefined;
  const { value, createRevision, modRevision, version } = record;
  return { value: text(value), createRevision, modRevision, version };
}

/** What the key was at `revision`, by the rule that history.ts states. */
function asOf(rows: Rows, key: string, revision: number): ModelRecord | undefined {
  for (const { changes } of rows.history())
    for (const change of changes)
      if (change.revision > revision && text(change.key) === key) return asModel(change.before);
  return asModel(rows.current().get(key));
}

describe("the state machine against a naive model", () => {
  for (let seed = 1; seed <= 20; seed++)
    it(`agrees with it, now and as of every revision (seed ${seed})`, () => {
      const entries = randomEntries(seed, 120);
      const rows = applyInBatches(entries, 9, seed);
      const model = new Model();
      for (const entry of entries) model.apply(entry);
      expect(rows.meta.revision).to.equal(model.revision);
      expect(rows.meta.appliedIndex).to.equal(entries.length);
      for (let number = 0; number < 12; number++) {
        const key = `key ${number}`;
        expect(asModel(rows.current().get(key))).to.deep.equal(model.records.get(key));
        for (const [revision, state] of model.states.entries())
          expect(asOf(rows, key, revision), `${key} at ${revision}`).to.deep.equal(state.get(key));
      }
    });

  it("still answers for every revision from historyFrom on when the history was trimmed", () => {
    for (let seed = 100; seed < 110; seed++) {
      const entries = randomEntries(seed, 150);
      const rows = new Rows();
      const model = new Model();
      const draw = random(seed);
      for (const entry of entries) {
        const limits = { bytesMax: 3000 + draw(3000), ageMax: 1e9, revisionsMin: 0 };
        rows.apply([entry], planTrim(rows.meta, rows.historyRows(), limits, crc32).trim);
        model.apply(entry);
      }
      expect(rows.meta.historyFrom).to.be.above(0);
      const stored = rows.historyRows().reduce((total, { value }) => total + value.byteLength, 0);
      expect(rows.meta.historyBytes).to.equal(stored);
      for (const [revision, state] of model.states.entries()) {
        if (revision < rows.meta.historyFrom) continue;
        for (let number = 0; number < 12; number++)
          expect(asOf(rows, `key ${number}`, revision)).to.deep.equal(state.get(`key ${number}`));
      }
    }
  });
});

describe("determinism", () => {
  it("gives the same records, changes and hash however entries are cut into batches", () => {
    for (let seed = 200; seed < 210; seed++) {
      const entries = randomEntries(seed, 200);
      const one = applyInBatches(entries, 1, seed);
      const other = applyInBatches(entries, 50, seed + 1);
      expect(other.meta.stateHash).to.equal(one.meta.stateHash);
      expect(other.meta.revision).to.equal(one.meta.revision);
      expect(currentRows(other)).to.deep.equal(currentRows(one));
      expect(other.history().flatMap(({ changes }) => changes)).to.deep.equal(
        one.history().flatMap(({ changes }) => changes),
      );
    }
  });

  it("has a hash that is the sum over the current records, and shows a record that differs", () => {
    const rows = applyInBatches(randomEntries(300, 200), 7, 300);
    let sum = 0;
    for (const record of rows.current().values()) if (record.kind === "value") sum = (sum + record.hash) % 2 ** 48;
    expect(rows.meta.stateHash).to.equal(sum);
    const before = rows.meta.stateHash;
    rows.apply([put("key 0", "x")]);
    expect(rows.meta.stateHash).to.not.equal(before);
  });
});

function currentRows(rows: Rows): unknown {
  return [...rows.rows.entries()]
    .filter(([, row]) => row.key[0] === rowPrefixes.current)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
