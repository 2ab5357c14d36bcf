import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { StorageError } from "../../../src/errors/balsa-error.ts";
import { afterRevision, rangeOf, rowPrefixes } from "../../../src/kv/keys.ts";
import { emptyMeta } from "../../../src/kv/meta.ts";
import { MomentClosedError } from "../../../src/kv/state-view.ts";
import { isReadOnly } from "../../../src/kv/transaction.ts";
import { LevelRowMoment } from "../../../src/storage/state/level-row-moment.ts";
import { LevelStateStorage, openStateDatabase } from "../../../src/storage/state/level-state-storage.ts";
import { RowStateMoment } from "../../../src/storage/state/row-state-moment.ts";
import { cuts, entries, range, reading } from "../../kv/commands.ts";
import { within, words } from "../../kv/model.ts";
import { plain } from "../../kv/plain.ts";
import {
  allChanges,
  CountedMoment,
  changeOf,
  fill,
  itemsOf,
  listed,
  modelOf,
  openLevel,
  openMemory,
  recordOf,
  wanted,
} from "./moments.ts";
import { apply, bytes, cleansUp, cleanUp, put, temporaryDirectory } from "./support.ts";

for (const [name, open] of [
  ["memory", openMemory],
  ["LevelDB", openLevel],
] as const)
  describe(`a moment of the state in ${name}`, () => {
    cleansUp();
    const numRuns = name === "memory" ? 150 : 40;

    it("shows every key as of every revision that can be asked for", async () => {
      const fresh = await open();
      await fc.assert(
        fc.asyncProperty(entries, cuts, range, fc.boolean(), async (log, sizes, asked, values) => {
          const { storage, moment: openMoment } = await fresh();
          await fill(storage, log, sizes);
          const model = modelOf(log);
          const moment = new RowStateMoment(openMoment());
          expect(moment.revision).to.equal(model.revision);
          for (const [revision, state] of model.states.entries()) {
            const isReadable = revision >= model.compactedRevision;
            expect(moment.standingOf(revision)).to.equal(isReadable ? "readable" : "compacted");
            if (!isReadable) continue;
            const found = within(state, asked);
            const items = values
              ? itemsOf(found)
              : itemsOf(found.map(([key, each]) => [key, { ...each, value: null as never }]));
            expect(await listed(moment, { range: asked, order: "asc", revision, values })).to.deep.equal(items);
            expect(await listed(moment, { range: asked, order: "desc", revision, values })).to.deep.equal(
              [...(items as unknown[])].reverse(),
            );
            for (const key of ["a", "ab", "b", "c"]) {
              const record = (await moment.getAt(bytes(key), revision, wanted)) ?? null;
              expect(recordOf(record)).to.deep.equal(state.get(key) ?? null);
            }
          }
          expect(moment.standingOf(model.revision + 1)).to.equal("future");
          await moment.close();
        }),
        { numRuns },
      );
    });

    it("gives every change after a position, once and in order", async () => {
      const fresh = await open();
      await fc.assert(
        fc.asyncProperty(entries, cuts, fc.option(fc.array(range, { maxLength: 2 })), async (log, sizes, ranges) => {
          const { storage, moment: openMoment } = await fresh();
          await fill(storage, log, sizes);
          const model = modelOf(log);
          const moment = new RowStateMoment(openMoment());
          const positions = [
            ...model.states.map((_, revision) => afterRevision(revision)),
            ...model.changes.map(({ revision, ordinal }) => ({ revision, ordinal })),
          ].filter(({ revision }) => revision >= model.compactedRevision);
          for (const after of positions) {
            const expected = model.changes.filter(
              ({ revision, ordinal, key }) =>
                (revision > after.revision || (revision === after.revision && ordinal > after.ordinal)) &&
                (ranges === null || ranges.some((each) => within(new Map([[key, {} as never]]), each).length > 0)),
            );
            expect((await allChanges(moment, after, ranges)).map(changeOf)).to.deep.equal(expected);
          }
          await moment.close();
        }),
        { numRuns },
      );
    });

    it("answers transactions that only read, and shows leases with their keys", async () => {
      const fresh = await open();
      await fc.assert(
        fc.asyncProperty(entries, cuts, reading, async (log, sizes, transaction) => {
          const { storage, moment: openMoment } = await fresh();
          await fill(storage, log, sizes);
          const model = modelOf(log);
          const moment = new RowStateMoment(openMoment());
          expect(isReadOnly(transaction)).to.equal(true);
          const command = { origin: 1, sequence: 1, operation: { kind: "txn", transaction } } as const;
          const answered = model.apply({ kind: "command", term: model.term, time: model.time, command });
          expect(plain(await moment.transact(transaction))).to.deep.equal(answered?.result);
          const leases = [...model.leases].sort(([one], [other]) => one - other);
          const shown = await moment.leases({ after: 0, limit: 100 });
          expect(shown.map(({ leaseId, dueTime }) => [leaseId, dueTime])).to.deep.equal(
            leases.map(([id, { renewedTime, ttlMs }]) => [id, Math.max(renewedTime, model.termStartTime) + ttlMs]),
          );
          const paged: number[] = [];
          for (let after = 0; ; after = paged.at(-1) ?? 0) {
            const [next, ...others] = await moment.leases({ after, limit: 1 });
            expect(others).to.deep.equal([]);
            if (next === undefined) break;
            paged.push(next.leaseId);
          }
          expect(paged).to.deep.equal(leases.map(([id]) => id));
          for (const [id] of leases) {
            const keys = [...model.records].filter(([, { leaseId }]) => leaseId === id).map(([key]) => key);
            const attached = await moment.leaseKeys({ leaseId: id, after: null, limit: 100 });
            expect(attached.map(words)).to.deep.equal(keys.sort());
            const first = attached[0];
            if (first !== undefined) {
              const behind = await moment.leaseKeys({ leaseId: id, after: first, limit: 1 });
              expect(behind.map(words)).to.deep.equal(keys.slice(1, 2));
            }
            expect(moment.lease(id)?.keys).to.equal(keys.length);
          }
          expect(moment.lease(77)).to.equal(undefined);
          await moment.close();
        }),
        { numRuns },
      );
    });

    it("stays as it is whatever is written, compacted and trimmed meanwhile", async () => {
      const { storage, moment: openMoment } = await (await open())();
      const { meta } = await apply(storage, emptyMeta, [put("a", "1"), put("a", "2"), put("b", "1")]);
      const moment = new RowStateMoment(openMoment());
      const rows = await storage.read({ ...rangeOf(rowPrefixes.history), rowsMax: 10, bytesMax: 1e9 });
      await storage.write(rows.map(({ key }) => ({ key, value: null })));
      await apply(storage, meta, [put("a", "3"), put("c", "1")]);
      expect(moment.revision).to.equal(3);
      expect(words(moment.get(bytes("a"))?.value ?? bytes(""))).to.equal("2");
      expect(words((await moment.getAt(bytes("a"), 1, wanted))?.value ?? bytes(""))).to.equal("1");
      expect(moment.get(bytes("c"))).to.equal(undefined);
      expect(await moment.changes({ after: afterRevision(0), ranges: null, bytesMax: 1e6 })).to.have.deep.property(
        "through",
        afterRevision(3),
      );
      await moment.close();
    });

    it("finds a key of ten thousand versions at each of its ends, a bounded piece at a time", async () => {
      const { storage, moment: openMoment } = await (await open())();
      let meta = emptyMeta;
      for (let batch = 0; batch < 40; batch++) {
        const puts = Array.from({ length: 250 }, (_, place) => put("hot", `${batch * 250 + place + 1}`));
        meta = (await apply(storage, meta, puts)).meta;
      }
      const moment = new RowStateMoment(openMoment());
      for (const revision of [1, 2, 5_000, 9_999, 10_000])
        expect(words((await moment.getAt(bytes("hot"), revision, wanted))?.value ?? bytes(""))).to.equal(
          String(revision),
        );
      await moment.close();
    });

    it("lists all keys as they were, however many have changed since", async () => {
      const { storage, moment: openMoment } = await (await open())();
      const names = Array.from({ length: 600 }, (_, at) => `k${String(at).padStart(3, "0")}`);
      let { meta } = await apply(
        storage,
        emptyMeta,
        names.map((key) => put(key, "old")),
      );
      const { revision } = meta;
      ({ meta } = await apply(
        storage,
        meta,
        names.map((key) => put(key, "new")),
      ));
      const counted = new CountedMoment(openMoment());
      const moment = new RowStateMoment(counted);
      const range = { from: bytes("k"), to: null };
      const cursor = moment.range({ range, order: "asc", revision, values: true });
      const found: string[] = [];
      let steps = 0;
      for (let isDone = false; !isDone; steps += 1) {
        const step = await cursor.next({ rowsMax: 1000, bytesMax: 1e9 });
        for (const { key, value } of step.items) found.push(`${words(key)} ${value === null ? "" : words(value)}`);
        isDone = step.done;
      }
      expect(found).to.deep.equal(names.map((key) => `${key} old`));
      expect(steps, "64 of them look into the past in one step").to.equal(10);
      expect(counted.cursorReads, "keys that changed together stand in the same chunks").to.be.below(30);
      await cursor.close();
      await moment.close();
    });

    it("gives no change twice where a command goes on in the next chunk", async () => {
      const { storage, moment: openMoment } = await (await open())();
      const pairs = Array.from({ length: 40 }, (_, at) => ({ key: bytes(`many${at}`), value: new Uint8Array(4000) }));
      const command = { origin: 7, sequence: 1, operation: { kind: "putAll", pairs } } as const;
      const { meta } = await apply(storage, emptyMeta, [
        put("before", "1"),
        { kind: "command", term: 1, time: 5, command },
        put("after", "1"),
      ]);
      expect(
        await storage.read({ ...rangeOf(rowPrefixes.history), rowsMax: 100, bytesMax: 1e9 }),
      ).to.have.lengthOf.above(2);
      const moment = new RowStateMoment(openMoment());
      const first = await moment.changes({ after: afterRevision(0), ranges: null, bytesMax: 1 });
      expect(first).to.deep.include({ through: afterRevision(1), more: true });
      expect(first.changes.map(({ key }) => words(key))).to.deep.equal(["before"]);
      const places = (await allChanges(moment, afterRevision(0), null)).map(
        ({ revision, ordinal }) => revision * 1000 + ordinal,
      );
      expect(places).to.deep.equal([1000, ...pairs.map((_, at) => 2000 + at), 3000]);
      expect(meta.revision).to.equal(3);
      await moment.close();
    });

    it("says that its history has lost a change which is not where it must be", async () => {
      for (const kept of [0, 1]) {
        const { storage, moment: openMoment } = await (await open())();
        let { meta } = await apply(storage, emptyMeta, [put("b", "1"), put("a", "1")]);
        ({ meta } = await apply(storage, meta, [put("a", "2")]));
        const rows = await storage.read({ ...rangeOf(rowPrefixes.history), rowsMax: 10, bytesMax: 1e9 });
        await storage.write(rows.slice(kept).map(({ key }) => ({ key, value: null })));
        const moment = new RowStateMoment(openMoment());
        const error = await moment.getAt(bytes("a"), 2, wanted).catch((reason: unknown) => reason);
        expect(error, `${kept} chunks kept`).to.be.instanceOf(StorageError);
        expect(String((error as StorageError).cause)).to.contain("has lost what was changed at revision 3");
        expect(meta.revision).to.equal(3);
        await moment.close();
      }
    });

    it("never answers a chunk of history that does not verify", async () => {
      const { storage, moment: openMoment } = await (await open())();
      await apply(storage, emptyMeta, [put("a", "1"), put("a", "2")]);
      const [row] = await storage.read({ ...rangeOf(rowPrefixes.history), rowsMax: 1, bytesMax: 1e9 });
      if (row === undefined) throw new Error("there is a chunk");
      const damaged = Uint8Array.from(row.value);
      damaged[40] = (damaged[40] ?? 0) ^ 1;
      await storage.write([{ key: row.key, value: damaged }]);
      const moment = new RowStateMoment(openMoment());
      const reads = [
        moment.getAt(bytes("a"), 1, wanted),
        moment.changes({ after: afterRevision(0), ranges: null, bytesMax: 1e6 }),
      ];
      for (const read of reads) expect(await read.catch((error: unknown) => error)).to.be.instanceOf(StorageError);
      await moment.close();
    });
  });

describe("a moment whose database is closed under it", () => {
  cleansUp();

  it("says so", async () => {
    const path = await temporaryDirectory();
    const keeper = await openStateDatabase(path);
    cleanUp(() => keeper.close());
    const storage = await LevelStateStorage.open(path);
    cleanUp(() => storage.close());
    await apply(storage, emptyMeta, [put("a", "1"), put("a", "2")]);
    const reader = await openStateDatabase(path);
    const moment = new RowStateMoment(new LevelRowMoment(reader));
    const everything = { range: { from: bytes("a"), to: null }, order: "asc", revision: 2, values: true } as const;
    const cursor = moment.range(everything);
    await reader.close();
    expect(() => moment.get(bytes("a"))).to.throw(MomentClosedError);
    expect(() => moment.range(everything)).to.throw(MomentClosedError);
    const reads = [cursor.next({ rowsMax: 9, bytesMax: 9 }), moment.getAt(bytes("a"), 1, wanted)];
    for (const read of reads) expect(await read.catch((error: unknown) => error)).to.be.instanceOf(MomentClosedError);
    await cursor.close();
    await moment.close();
  });
});
