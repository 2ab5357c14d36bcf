import { crc32 } from "node:zlib";
import { expect } from "chai";
import { describe, it } from "mocha";
import type { Condition } from "../../src/kv/command.ts";
import { batchKey, configurationKey, currentKey, metaKey } from "../../src/kv/keys.ts";
import { applyBatch, configurationOf } from "../../src/kv/machine.ts";
import { batchRowsKept, decodeMeta, emptyMeta } from "../../src/kv/meta.ts";
import { ReadAhead } from "../../src/kv/read-ahead.ts";
import { RecordFormatError } from "../../src/kv/record.ts";
import type { Result } from "../../src/kv/result.ts";
import { planCompaction, planTrim } from "../../src/kv/trim.ts";
import { bytes, command, compact, del, options, origin, put, putAll, Rows, text } from "./support.ts";

function record(rows: Rows, key: string): unknown {
  const found = rows.current().get(key);
  if (found?.kind !== "value") return found;
  const { createRevision, modRevision, version, leaseId, value } = found;
  return { createRevision, modRevision, version, leaseId, value: text(value) };
}

function resultsOf(rows: Rows, ...entries: Parameters<Rows["apply"]>[0]): Result[] {
  return rows.apply(entries).results.map(({ result }) => result);
}

describe("the state machine", () => {
  it("counts revisions and versions as keys are put, deleted and put again", () => {
    const rows = new Rows();
    rows.apply([put("a", "1"), put("b", "2"), put("a", "3")]);
    expect(record(rows, "a")).to.deep.equal({
      createRevision: 1,
      modRevision: 3,
      version: 2,
      leaseId: 0,
      value: "3",
    });
    rows.apply([del("a")]);
    expect(record(rows, "a")).to.deep.equal({ kind: "deleted", modRevision: 4 });
    rows.apply([put("a", "")]);
    expect(record(rows, "a")).to.deep.equal({ createRevision: 5, modRevision: 5, version: 1, leaseId: 0, value: "" });
    expect(rows.meta.revision).to.equal(5);
  });

  it("puts many keys in one revision", () => {
    const rows = new Rows();
    expect(resultsOf(rows, put("a", "0"), putAll({ a: "1", b: "2", c: "3" }))).to.deep.equal([
      { kind: "put", modRevision: 1 },
      { kind: "putAll" },
    ]);
    expect([...rows.current().values()].map(({ modRevision }) => modRevision)).to.deep.equal([2, 2, 2]);
    expect(rows.meta.revision).to.equal(2);
    expect(rows.history().flatMap(({ changes }) => changes.map((change) => change.ordinal))).to.deep.equal([
      0, 0, 1, 2,
    ]);
  });

  it("takes no revision for the deletion of a key that is not there", () => {
    const rows = new Rows();
    expect(resultsOf(rows, del("a"), put("a", "1"), del("a"), del("a"))).to.deep.equal([
      { kind: "deleted", deleted: 0 },
      { kind: "put", modRevision: 1 },
      { kind: "deleted", deleted: 1 },
      { kind: "deleted", deleted: 0 },
    ]);
    expect(rows.meta.revision).to.equal(2);
  });

  const conditions: readonly (readonly [Condition, "there" | "missing", boolean])[] = [
    [{ kind: "none" }, "there", true],
    [{ kind: "none" }, "missing", true],
    [{ kind: "present" }, "there", true],
    [{ kind: "present" }, "missing", false],
    [{ kind: "absent" }, "there", false],
    [{ kind: "absent" }, "missing", true],
    [{ kind: "modRevision", revision: 1 }, "there", true],
    [{ kind: "modRevision", revision: 2 }, "there", false],
    [{ kind: "modRevision", revision: 1 }, "missing", false],
    [{ kind: "modRevision", revision: 0 }, "missing", false],
  ];
  for (const [condition, key, holds] of conditions)
    for (const operation of ["put", "delete"] as const)
      it(`${operation}: ${JSON.stringify(condition)} ${holds ? "holds" : "fails"} when the key is ${key}`, () => {
        const rows = new Rows();
        rows.apply([put("there", "1"), put("gone", "2"), del("gone")]);
        const before = { ...rows.meta };
        const entry = operation === "put" ? put(key, "3", condition) : del(key, condition);
        const [result] = resultsOf(rows, entry);
        expect(result?.kind === "conditionFailed").to.equal(!holds);
        if (holds) return;
        expect(result).to.deep.equal({ kind: "conditionFailed", modRevision: key === "there" ? 1 : 0 });
        expect(rows.meta.revision).to.equal(before.revision);
        expect(rows.meta.stateHash).to.equal(before.stateHash);
        expect(rows.meta.historyBytes).to.equal(before.historyBytes);
      });

  it("treats a deleted key as absent", () => {
    const rows = new Rows();
    rows.apply([put("a", "1"), del("a")]);
    expect(resultsOf(rows, put("a", "2", { kind: "present" }), put("a", "2", { kind: "absent" }))).to.deep.equal([
      { kind: "conditionFailed", modRevision: 0 },
      { kind: "put", modRevision: 3 },
    ]);
  });

  it("shows each command of a batch those before it", () => {
    const rows = new Rows();
    const results = resultsOf(
      rows,
      put("a", "1", { kind: "absent" }),
      put("a", "2", { kind: "absent" }),
      put("a", "3", { kind: "modRevision", revision: 1 }),
      del("a", { kind: "modRevision", revision: 2 }),
    );
    expect(results.map(({ kind }) => kind)).to.deep.equal(["put", "conditionFailed", "put", "deleted"]);
  });

  it("gives results for the commands of its own process only, in order", () => {
    const rows = new Rows();
    const own = put("a", "1");
    const foreign = command({ kind: "delete", key: bytes("a"), condition: { kind: "none" } });
    if (foreign.kind !== "command" || own.kind !== "command") throw new Error("both are commands");
    const { results } = rows.apply([
      own,
      { ...foreign, command: { ...foreign.command, origin: origin + 1 } },
      put("b", "2"),
    ]);
    expect(results.map(({ revision }) => revision)).to.deep.equal([1, 3]);
    expect(results[0]?.sequence).to.equal(own.command.sequence);
  });

  it("moves only the applied index for an entry without a command, and keeps the configuration", () => {
    const rows = new Rows();
    const configuration = bytes("who counts");
    rows.apply([
      { kind: "noop", term: 2, time: 10 },
      { kind: "configuration", term: 3, time: 20, configuration },
    ]);
    const { appliedIndex, appliedTerm, time, revision, stateHash } = rows.meta;
    expect({ appliedIndex, appliedTerm, time, revision, stateHash }).to.deep.equal({
      appliedIndex: 2,
      appliedTerm: 3,
      time: 20,
      revision: 0,
      stateHash: 0,
    });
    expect(configurationOf(rows.get(configurationKey) ?? bytes(""), crc32)).to.deep.equal(configuration);
    expect(() => configurationOf(bytes("xx"), crc32)).to.throw(RecordFormatError);
  });

  it("writes where it stands and its number with every batch, and deletes the number that is old enough", () => {
    const rows = new Rows();
    const before = { ...emptyMeta, batch: batchRowsKept + 4 };
    const batch = applyBatch(before, rows, [put("a", "1")], { ...options(), readAhead: new ReadAhead(), trim: null });
    rows.write(batch.rows);
    expect(decodeMeta(rows.get(metaKey) ?? bytes(""), crc32)).to.deep.equal(batch.meta);
    expect(rows.get(batchKey(batchRowsKept + 5))).to.not.equal(undefined);
    const deleted = batch.rows.filter(({ value }) => value === null).map(({ key }) => [...key]);
    expect(deleted).to.deep.equal([[...batchKey(5)]]);
  });

  it("does not go on from a damaged record", () => {
    const rows = new Rows();
    rows.apply([put("a", "1")]);
    const row = rows.get(currentKey(bytes("a")));
    if (row === undefined) throw new Error("the key is there");
    row[row.byteLength - 1] = 0xff;
    expect(() => rows.apply([put("a", "2")])).to.throw(RecordFormatError);
  });
});

describe("the history's bounds", () => {
  const limits = { bytesMax: Number.MAX_SAFE_INTEGER, ageMax: 1000, revisionsMin: 2 };

  function plan(rows: Rows, over: Partial<typeof limits>): number | null {
    return planCompaction(rows.meta, rows.historyRows(), { ...limits, ...over }, crc32);
  }

  it("ask for a compaction up to the oldest chunk that fits", () => {
    const rows = new Rows();
    for (const entry of [put("a", "1"), put("b", "1"), del("a"), del("b"), put("b", "2")]) rows.apply([entry]);
    const sizes = rows.historyRows().map(({ value }) => value.byteLength);
    const kept = (sizes[3] ?? 0) + (sizes[4] ?? 0);
    expect(plan(rows, { bytesMax: Math.ceil((kept * 32) / 31) })).to.equal(3);
    expect(plan(rows, { bytesMax: 0 })).to.equal(5);
  });

  it("ask for what is older than its age, except the newest revisions", () => {
    const rows = new Rows();
    for (const time of [0, 500, 2000, 2100, 2200]) rows.apply([put("a", "1", { kind: "none" }, time)]);
    expect(plan(rows, {})).to.equal(2);
    expect(plan(rows, { revisionsMin: 4 })).to.equal(1);
    expect(plan(rows, { revisionsMin: 5 })).to.equal(null);
  });
});

describe("compaction", () => {
  it("drops the chunks below it, and what is left of keys deleted in them", () => {
    const rows = new Rows();
    for (const entry of [put("a", "1"), put("b", "1"), del("a"), del("b"), put("b", "2")]) rows.apply([entry]);
    const kept = rows
      .historyRows()
      .slice(3)
      .reduce((total, { value }) => total + value.byteLength, 0);
    rows.apply([compact(3)]);
    const { trim, oldest } = planTrim(rows.meta, rows.historyRows(), crc32);
    expect(trim?.historyFrom).to.equal(3);
    expect(trim?.deletions.map(({ revision }) => revision)).to.deep.equal([3]);
    expect(oldest?.lastRevision).to.equal(4);
    const { stateHash } = rows.meta;
    rows.apply([], trim);
    expect(rows.meta.historyBytes).to.equal(kept);
    expect(rows.meta).to.include({ historyFrom: 3, compactedRevision: 3, stateHash });
    expect([...rows.current().keys()]).to.deep.equal(["b"]);
    expect(rows.history().flatMap(({ changes }) => changes.map(({ revision }) => revision))).to.deep.equal([4, 5]);
    expect(planTrim(rows.meta, rows.historyRows(), crc32).trim).to.equal(null);
  });

  it("keeps a deleted key that came back, also when it does so in the batch that trims", () => {
    const rows = new Rows();
    for (const entry of [put("a", "1"), del("a"), compact(2)]) rows.apply([entry]);
    const { trim } = planTrim(rows.meta, rows.historyRows(), crc32);
    rows.apply([put("a", "2")], trim);
    expect(record(rows, "a")).to.include({ createRevision: 3, value: "2" });
  });

  it("takes no revision, and refuses what is compacted, 0, or not reached", () => {
    const rows = new Rows();
    const results = resultsOf(
      rows,
      put("a", "1"),
      put("a", "2"),
      compact(2),
      compact(2),
      compact(1),
      compact(0),
      compact(3),
    );
    expect(results.slice(2)).to.deep.equal([
      { kind: "compacted", compactedRevision: 2 },
      { kind: "alreadyCompacted", compactedRevision: 2 },
      { kind: "alreadyCompacted", compactedRevision: 2 },
      { kind: "wrongRevision", revision: 2 },
      { kind: "wrongRevision", revision: 2 },
    ]);
    expect(rows.meta).to.include({ revision: 2, compactedRevision: 2 });
  });
});
