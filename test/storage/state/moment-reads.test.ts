import { expect } from "chai";
import { describe, it } from "mocha";
import { afterRevision } from "../../../src/kv/keys.ts";
import { emptyMeta } from "../../../src/kv/meta.ts";
import { RowStateMoment } from "../../../src/storage/state/row-state-moment.ts";
import type { Row, RowMoment } from "../../../src/storage/state/state-storage.ts";
import { words } from "../../kv/model.ts";
import { CountedMoment, listed, openLevel, openMemory, wanted } from "./moments.ts";
import { apply, bytes, cleansUp, put } from "./support.ts";

for (const [name, open] of [
  ["memory", openMemory],
  ["LevelDB", openLevel],
] as const)
  describe(`what a moment of the state in ${name} reads`, () => {
    cleansUp();

    it("looks at little of the history, wherever the changes of a key stand in it", async () => {
      const { storage, moment: openMoment } = await (await open())();
      let meta = emptyMeta;
      const putAll = async (...keys: readonly string[]): Promise<void> => {
        for (const key of keys) meta = (await apply(storage, meta, [put(key, String(meta.revision + 1))])).meta;
      };
      await putAll("seldom", "hot");
      for (let turn = 0; turn < 500; turn++) await putAll("hot", "other", "hot", "other");
      await putAll("seldom");
      const counted = new CountedMoment(openMoment());
      const moment = new RowStateMoment(counted);
      const shown = async (key: string, revision: number): Promise<string> =>
        words((await moment.getAt(bytes(key), revision, wanted))?.value ?? bytes("none"));
      expect(await shown("hot", 4)).to.equal("3");
      expect(await shown("hot", 999)).to.equal("999");
      expect(await shown("seldom", 1_500)).to.equal("1");
      expect(counted.cursorReads, "of two thousand chunks").to.be.below(40);
      await listed(moment, { range: { from: bytes("a"), to: null }, order: "asc", revision: 4, values: true });
      expect(counted.cursorReads).to.be.below(80);
      expect(counted.openCursors).to.equal(0);
      await moment.close();
    });

    it("looks back version by version while there are few, and asks for nothing else", async () => {
      const { storage, moment: openMoment } = await (await open())();
      let meta = emptyMeta;
      for (let version = 1; version <= 9; version += 1)
        meta = (await apply(storage, meta, [put("a", String(version))])).meta;
      for (const [revision, reads] of [
        [9, 0],
        [8, 1],
        [7, 2],
        [6, 3],
      ] as const) {
        const counted = new CountedMoment(openMoment());
        const moment = new RowStateMoment(counted);
        expect(words((await moment.getAt(bytes("a"), revision, wanted))?.value ?? bytes(""))).to.equal(
          String(revision),
        );
        expect(counted.cursorReads, `at ${revision}`).to.equal(reads);
        expect(counted.openCursors).to.equal(0);
        await moment.close();
      }
    });

    it("goes straight to the newest changes for whoever follows them", async () => {
      const { storage, moment: openMoment } = await (await open())();
      let meta = emptyMeta;
      for (let turn = 0; turn < 50; turn += 1) meta = (await apply(storage, meta, [put("a", "1")])).meta;
      const counted = new CountedMoment(openMoment());
      const moment = new RowStateMoment(counted);
      const read = await moment.changes({ after: afterRevision(49), ranges: null, bytesMax: 1e6 });
      expect(read.changes.map(({ revision }) => revision)).to.deep.equal([50]);
      expect(counted.cursorReads, "one to find it, one to read it, one to see that it is the last").to.equal(3);
      const nothing = await moment.changes({ after: afterRevision(50), ranges: null, bytesMax: 1e6 });
      expect(nothing).to.deep.equal({ changes: [], through: afterRevision(50), more: false });
      expect(counted.cursorReads, "nothing is looked for").to.equal(3);
      expect(counted.openCursors).to.equal(0);
      await moment.close();
    });

    it("gives its rows in pieces, bounded in rows and in bytes, either way round", async () => {
      const { storage, moment: openMoment } = await (await open())();
      const keys = Array.from({ length: 12 }, (_, at) => Uint8Array.of(0x62, at));
      await storage.write(keys.map((key) => ({ key, value: new Uint8Array(100 * 1024) })));
      const rows = openMoment();
      for (const order of ["asc", "desc"] as const) {
        const cursor = rows.scan({ from: Uint8Array.of(0x62, 1), to: Uint8Array.of(0x62, 11), order });
        const found: number[] = [];
        expect(await cursor.next(2)).to.have.length(2);
        for (let read = await cursor.next(100); read.length > 0; read = await cursor.next(100)) {
          expect(read.length, "about 256 KiB at once").to.be.within(1, 4);
          found.push(...read.map(({ key }) => key[1] ?? 0));
        }
        const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        expect(found).to.deep.equal((order === "asc" ? all : all.toReversed()).slice(2));
        await cursor.close();
      }
      expect(rows.get(Uint8Array.of(0x62, 0))?.byteLength).to.equal(100 * 1024);
      await rows.close();
    });

    it("answers a transaction with all keys that it asks for, however often rows have to be read for it", async () => {
      const { storage, moment: openMoment } = await (await open())();
      const names = Array.from({ length: 1000 }, (_, at) => `k${String(at).padStart(3, "0")}`);
      await apply(
        storage,
        emptyMeta,
        names.map((name) => put(name, "1")),
      );
      const moment = new RowStateMoment(openMoment());
      for (const [order, limit] of [
        ["asc", 10_000],
        ["desc", 10_000],
        ["asc", 300],
      ] as const) {
        const range = { kind: "range", range: { from: bytes("k"), to: null }, order, limit, values: false } as const;
        const result = await moment.transact({ compares: [], success: [range], failure: [] });
        const [listed] = result.kind === "txn" ? (result.results ?? []) : [];
        const keys = listed?.kind === "range" ? listed.items.map(({ key }) => words(key)) : [];
        expect(keys).to.deep.equal((order === "asc" ? names : names.toReversed()).slice(0, limit));
      }
      await moment.close();
    });

    it("stops looking once nobody wants to know", async () => {
      const { storage, moment: openMoment } = await (await open())();
      let meta = emptyMeta;
      for (let turn = 0; turn < 5; turn++) meta = (await apply(storage, meta, [put("a", "1")])).meta;
      const counted = new CountedMoment(openMoment());
      const moment = new RowStateMoment(counted);
      expect(await moment.getAt(bytes("a"), 1, () => counted.cursorReads === 0)).to.equal(undefined);
      expect(counted.cursorReads).to.equal(1);
      await moment.close();
    });

    it("reads from its rows no more than it is asked for, and 256 at once", async () => {
      const { storage, moment: openMoment } = await (await open())();
      await apply(
        storage,
        emptyMeta,
        Array.from({ length: 400 }, (_, at) => put(`k${at}`, "1")),
      );
      const rows = openMoment();
      const asked: number[] = [];
      const scan: RowMoment["scan"] = (wanted) => {
        const cursor = rows.scan(wanted);
        const next = (rowsMax: number): Promise<readonly Row[]> => {
          asked.push(rowsMax);
          return cursor.next(rowsMax);
        };
        return { next, close: () => cursor.close() };
      };
      const moment = new RowStateMoment({ get: (key) => rows.get(key), scan, close: () => rows.close() });
      for (const rowsMax of [3, 1000]) {
        const range = { from: bytes("k"), to: null };
        const cursor = moment.range({ range, order: "asc", revision: 400, values: false });
        await cursor.next({ rowsMax, bytesMax: 1e9 });
        await cursor.close();
      }
      expect(asked.slice(0, 2)).to.deep.equal([3, 256]);
      await moment.close();
    });
  });
