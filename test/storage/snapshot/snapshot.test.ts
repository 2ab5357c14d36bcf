import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import { rowPrefixes } from "../../../src/kv/keys.ts";
import type { MachineEntry } from "../../../src/kv/machine.ts";
import { emptyMeta, type StateMeta } from "../../../src/kv/meta.ts";
import type { SnapshotMetadata } from "../../../src/raft/types.ts";
import { IncomingSnapshot } from "../../../src/storage/snapshot/incoming-snapshot.ts";
import { inspectSnapshot } from "../../../src/storage/snapshot/job.ts";
import { inlineJobs } from "../../../src/storage/snapshot/jobs.ts";
import { restoreSnapshot } from "../../../src/storage/snapshot/restore-snapshot.ts";
import { SnapshotDirectory } from "../../../src/storage/snapshot/snapshot-directory.ts";
import { SnapshotStoppedError, writeSnapshot } from "../../../src/storage/snapshot/write-snapshot.ts";
import { MemoryStateStorage } from "../../../src/storage/state/memory-state-storage.ts";
import { verifyState } from "../../../src/storage/state/verify.ts";
import { entries } from "../../kv/commands.ts";
import { apply, cleansUp, configurationEntry, del, metadataOf, put, temporaryDirectory } from "../state/support.ts";

interface Made {
  readonly directory: SnapshotDirectory;
  readonly storage: MemoryStateStorage;
  readonly meta: StateMeta;
  readonly metadata: SnapshotMetadata;
  readonly path: string;
}

async function makeState(keys: number): Promise<{ storage: MemoryStateStorage; meta: StateMeta }> {
  const storage = new MemoryStateStorage();
  let { meta } = await apply(storage, emptyMeta, [configurationEntry()]);
  for (let at = 0; at < keys; at += 100) {
    const entries = Array.from({ length: 100 }, (_, offset) => put(`key ${at + offset}`, "x".repeat(900)));
    ({ meta } = await apply(storage, meta, [...entries, del(`key ${at}`)]));
  }
  return { storage, meta };
}

async function makeSnapshot(keys = 100): Promise<Made> {
  const directory = await SnapshotDirectory.open(await temporaryDirectory());
  const { storage, meta } = await makeState(keys);
  const metadata = metadataOf(meta);
  const id = { index: meta.appliedIndex, term: meta.appliedTerm };
  const rows = storage.snapshot();
  const bytes = await writeSnapshot(directory.makingPath(id), { metadata, meta }, rows, inlineJobs, () => false);
  await directory.adopt(directory.makingPath(id), id);
  expect((await stat(directory.pathOf(id))).size).to.equal(bytes);
  return { directory, storage, meta, metadata, path: directory.pathOf(id) };
}

async function applyAll(
  storage: MemoryStateStorage,
  from: StateMeta,
  log: readonly MachineEntry[],
): Promise<StateMeta> {
  let meta = from;
  const end = from.appliedIndex + log.length;
  while (meta.appliedIndex < end)
    meta = (await apply(storage, meta, log.slice(log.length - (end - meta.appliedIndex)))).meta;
  return meta;
}

function rowsOf(storage: MemoryStateStorage): unknown {
  return storage
    .rows(new Uint8Array(0), Uint8Array.of(255))
    .filter(({ key }) => key[0] !== rowPrefixes.batch && key[0] !== rowPrefixes.meta)
    .map(({ key, value }) => [[...key], [...value]]);
}

describe("a snapshot", () => {
  cleansUp();

  it("restored equals the state that it was made from, history included", async () => {
    const { storage, meta, metadata, path } = await makeSnapshot(3000);
    const restored = new MemoryStateStorage();
    const { header, meta: restoredMeta } = await restoreSnapshot(path, (rows) => restored.write(rows), inlineJobs);
    expect(header.metadata).to.deep.equal(metadata);
    expect(restoredMeta).to.deep.equal({ ...meta, batch: 1 });
    expect(rowsOf(restored)).to.deep.equal(rowsOf(storage));
    expect(await verifyState(restored)).to.deep.equal({ kind: "prefix", meta: restoredMeta });

    // What is applied on top gives the same state on both.
    const more = [put("key 5", "new"), del("key 7"), put("key 0", "again")];
    const one = await apply(storage, meta, more);
    const other = await apply(restored, restoredMeta, more);
    expect(other.meta.stateHash).to.equal(one.meta.stateHash);
    expect(rowsOf(restored)).to.deep.equal(rowsOf(storage));
  });

  it("taken anywhere in a log, and followed by the rest of it, equals the whole log: leases and sessions included", async () => {
    const path = join(await temporaryDirectory(), "a.snap");
    await fc.assert(
      fc.asyncProperty(entries, fc.nat({ max: 100 }), async (log, percent) => {
        const replayed = new MemoryStateStorage();
        const restored = new MemoryStateStorage();
        const taken = Math.floor((log.length * percent) / 100);
        let meta = await applyAll(replayed, emptyMeta, log.slice(0, taken));
        const header = { metadata: metadataOf(meta), meta };
        await writeSnapshot(path, header, replayed.snapshot(), inlineJobs, () => false);
        const from = await restoreSnapshot(path, (rows) => restored.write(rows), inlineJobs);
        const restoredMeta = await applyAll(restored, from.meta, log.slice(taken));
        meta = await applyAll(replayed, meta, log.slice(taken));
        expect({ ...restoredMeta, batch: 0 }).to.deep.equal({ ...meta, batch: 0 });
        expect(rowsOf(restored)).to.deep.equal(rowsOf(replayed));
      }),
      { numRuns: 60 },
    );
  });

  it("of an empty state can be restored", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const path = directory.makingPath({ index: 0, term: 0 });
    const rows = new MemoryStateStorage().snapshot();
    await writeSnapshot(path, { metadata: metadataOf(emptyMeta), meta: emptyMeta }, rows, inlineJobs, () => false);
    expect(inspectSnapshot(path).reason).to.equal(null);
    const restored = new MemoryStateStorage();
    await restoreSnapshot(path, (changes) => restored.write(changes), inlineJobs);
    expect(rowsOf(restored)).to.deep.equal([]);
  });

  it("verifies, and does not with any byte flipped", async () => {
    const { path, metadata } = await makeSnapshot();
    expect(inspectSnapshot(path).header?.metadata).to.deep.equal(metadata);
    const file = await readFile(path);
    for (let at = 0; at < file.byteLength; at += at < 100 || at > file.byteLength - 60 ? 1 : 97) {
      const damaged = Uint8Array.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      await writeFile(path, damaged);
      expect(inspectSnapshot(path).reason, `byte ${at}`).to.be.a("string");
    }
  });

  it("does not verify when it is cut off anywhere, or when something follows it", async () => {
    const { path } = await makeSnapshot();
    const file = await readFile(path);
    for (let length = 0; length < file.byteLength; length += 61) {
      await writeFile(path, file.subarray(0, length));
      expect(inspectSnapshot(path).reason, `${length} bytes`).to.be.a("string");
    }
    await writeFile(path, Uint8Array.from([...file, 0]));
    expect(inspectSnapshot(path).reason).to.contain("bytes follow its end");
  });

  it("is given up between blocks when the store stops", async () => {
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const { storage, meta } = await makeState(3000);
    let asked = 0;
    const header = { metadata: metadataOf(meta), meta };
    const path = directory.makingPath({ index: 1, term: 1 });
    const failure = await writeSnapshot(path, header, storage.snapshot(), inlineJobs, () => ++asked > 2).catch(
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(SnapshotStoppedError);
  });
});

describe("a snapshot that comes in", () => {
  cleansUp();

  async function receive(
    made: Made,
    incoming: IncomingSnapshot,
    mangle: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
  ): Promise<boolean> {
    const id = { index: made.meta.appliedIndex, term: made.meta.appliedTerm };
    for (let offset = 0; ; ) {
      const chunk = await made.directory.readChunk(id, offset, 1000);
      if (chunk === null) throw new Error("the file is there");
      const bytes = mangle(chunk.bytes);
      const verdict = await incoming.store({ from: "n1", snapshot: made.metadata, offset, bytes, last: chunk.last });
      if (!verdict.accepted || chunk.last) return verdict.accepted;
      offset = verdict.offset;
    }
  }

  it("is stored chunk by chunk, verified, and has its name then", async () => {
    const made = await makeSnapshot();
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    expect(await receive(made, new IncomingSnapshot(directory, inlineJobs))).to.equal(true);
    const id = { index: made.meta.appliedIndex, term: made.meta.appliedTerm };
    expect(await readFile(directory.receivedPath(id))).to.deep.equal(await readFile(made.path));
    expect(await directory.list(), "not before log and state take it on").to.deep.equal([]);
    expect(await readdir(directory.path)).to.have.length(1);
  });

  it("is refused and removed when the whole does not verify, and can be sent again", async () => {
    const made = await makeSnapshot();
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const incoming = new IncomingSnapshot(directory, inlineJobs);
    let chunks = 0;
    const flipped = await receive(made, incoming, (bytes) => {
      if (++chunks !== 3) return bytes;
      const damaged = Uint8Array.from(bytes);
      damaged[5] = (damaged[5] ?? 0) ^ 1;
      return damaged;
    });
    expect(flipped).to.equal(false);
    expect(await readdir(directory.path)).to.deep.equal([]);
    expect(await receive(made, incoming)).to.equal(true);
  });

  it("refuses a chunk out of order, of another sender or another snapshot", async () => {
    const made = await makeSnapshot();
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const incoming = new IncomingSnapshot(directory, inlineJobs);
    const first = { from: "n1", snapshot: made.metadata, offset: 0, bytes: new Uint8Array(10), last: false };
    expect(await incoming.store({ ...first, offset: 10 })).to.deep.equal({ offset: 0, accepted: false });
    expect(await incoming.store(first)).to.deep.equal({ offset: 10, accepted: true });
    const later = { ...first, offset: 10 };
    const wrong = [
      { ...later, offset: 11 },
      { ...later, from: "n2" },
      { ...later, snapshot: { ...made.metadata, lastIncludedIndex: 1 } },
      { ...later, snapshot: { ...made.metadata, lastIncludedTerm: 9 } },
    ];
    for (const chunk of wrong) expect((await incoming.store(chunk)).accepted).to.equal(false);
    expect(await incoming.store(later)).to.deep.equal({ offset: 20, accepted: true });
    await incoming.close();
    await incoming.close();
    expect(await readdir(directory.path)).to.deep.equal([]);
    expect(await incoming.store({ ...later, offset: 20 }), "it is dropped").to.deep.equal({
      offset: 0,
      accepted: false,
    });
  });

  it("takes the place of another that is under way, and leaves nothing of it", async () => {
    const made = await makeSnapshot();
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const incoming = new IncomingSnapshot(directory, inlineJobs);
    const other = { ...made.metadata, lastIncludedIndex: 1 };
    await incoming.store({ from: "n1", snapshot: other, offset: 0, bytes: new Uint8Array(10), last: false });
    expect(await receive(made, incoming)).to.equal(true);
    expect(await readdir(directory.path)).to.have.length(1);
    const end = (await stat(made.path)).size;
    const late = { from: "n1", snapshot: made.metadata, offset: end, bytes: new Uint8Array(1), last: true };
    expect(await incoming.store(late), "it is whole").to.deep.equal({ offset: 0, accepted: false });
  });

  it("goes on where it broke off when the same one begins again, and not when another does", async () => {
    const made = await makeSnapshot();
    const id = { index: made.meta.appliedIndex, term: made.meta.appliedTerm };
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    const incoming = new IncomingSnapshot(directory, inlineJobs);
    const begin = async (bytesMax: number, from = "n1"): Promise<number> => {
      const chunk = await made.directory.readChunk(id, 0, bytesMax);
      if (chunk === null) throw new Error("the file is there");
      return (await incoming.store({ from, snapshot: made.metadata, offset: 0, ...chunk })).offset;
    };
    const second = await made.directory.readChunk(id, 100, 50);
    if (second === null) throw new Error("the file is there");
    expect(await begin(100)).to.equal(100);
    expect((await incoming.store({ from: "n1", snapshot: made.metadata, offset: 100, ...second })).offset).to.equal(
      150,
    );
    expect(await begin(100), "what is there is not sent again").to.equal(150);
    const otherBytes = { from: "n1", snapshot: made.metadata, offset: 0, bytes: new Uint8Array(100), last: false };
    expect((await incoming.store(otherBytes)).offset, "another file of the same snapshot").to.equal(100);
    expect(await begin(100), "and back").to.equal(100);
    expect(await begin(200), "more at once than is there").to.equal(200);
    expect(await begin(100, "n2"), "another sender's file may be another one").to.equal(100);
    expect(await receive(made, incoming)).to.equal(true);
    expect(await readFile(directory.receivedPath(id))).to.deep.equal(await readFile(made.path));
  });

  it("is refused when it is not the snapshot that it was announced as", async () => {
    const made = await makeSnapshot();
    const directory = await SnapshotDirectory.open(await temporaryDirectory());
    for (const change of [
      { lastIncludedIndex: made.metadata.lastIncludedIndex + 1 },
      { lastIncludedTerm: made.metadata.lastIncludedTerm + 1 },
    ]) {
      const metadata = { ...made.metadata, ...change };
      expect(await receive({ ...made, metadata }, new IncomingSnapshot(directory, inlineJobs))).to.equal(false);
      expect(await readdir(directory.path)).to.deep.equal([]);
    }
  });
});
