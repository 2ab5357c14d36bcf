/**
 * @module
 * What a put costs in LevelDB under each layout of the state (design: "The budget"): `node dist/scripts/bench/layouts.js`.
 *
 * A: current rows only, no history. B: values once by revision, a small current row that points there.
 * C: full current row, and a row a change with the full value. D: full current row, and one row a batch with all
 * its changes. E: as D, with the superseded record beside each change. Each reads the old row of the key first, has a checksum a record, a meta row and a numbered row a
 * batch, and keeps a bounded history, so that its deletion is paid too. Rows go through a chained batch, which
 * costs 1.5 µs a row where `batch(array)` costs 5 to 7.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { crc32 } from "node:zlib";
import { Level } from "level";

type Layout = "A" | "B" | "C" | "D" | "E";
type Workload = "new" | "overwrite";
type Database = Level<Uint8Array, Uint8Array>;
type Rows = ReturnType<Database["batch"]>;

interface Case {
  readonly layout: Layout;
  readonly workload: Workload;
  readonly writeBufferMebibytes: number;
  readonly compression: boolean;
}

interface Figures {
  readonly wallMicroseconds: number;
  readonly cpuMicroseconds: number;
  /** With everything compacted at the end. */
  readonly settledMicroseconds: number;
  readonly currentReadMicroseconds: number;
}

const batchCommands = 64;
const valueBytes = 256;
const overwrittenKeys = 10_000;
const historyBytesMax = 32 * 1024 * 1024;
const numberedRowsKept = 65_536;
const headerBytes = 34;
const prefixes = { key: 0x6b, history: 0x68, batch: 0x62, meta: 0x6d } as const;

/** Text that compresses to about three quarters, as base64 does. */
const valuePool = Uint8Array.from({ length: 65_536 }, (_, at) => 48 + ((Math.imul(at, 2_654_435_761) >>> 20) & 63));

function keyOf(number: number): Uint8Array {
  const name = Math.imul(number, 2_654_435_761) >>> 0;
  return new TextEncoder().encode(`k/${name.toString(16).padStart(8, "0")}/${number}`.padEnd(16, "."));
}

function rowKey(prefix: number, key: Uint8Array): Uint8Array {
  const row = new Uint8Array(1 + key.byteLength);
  row[0] = prefix;
  row.set(key, 1);
  return row;
}

function numberKey(prefix: number, number: number): Uint8Array {
  const row = new Uint8Array(9);
  row[0] = prefix;
  new DataView(row.buffer).setBigUint64(1, BigInt(number));
  return row;
}

/** Checksum, createRevision, modRevision, version, previous revision, then the value. */
function recordOf(key: Uint8Array, value: Uint8Array, revision: number, old: Uint8Array | undefined): Uint8Array {
  const record = new Uint8Array(headerBytes + value.byteLength);
  const view = new DataView(record.buffer);
  const before = old === undefined ? undefined : new DataView(old.buffer, old.byteOffset, old.byteLength);
  view.setFloat64(4, before?.getFloat64(4) ?? revision);
  view.setFloat64(12, revision);
  view.setUint32(20, (before?.getUint32(20) ?? 0) + 1);
  view.setFloat64(24, before?.getFloat64(12) ?? 0);
  record.set(value, headerBytes);
  view.setUint32(0, crc32(record.subarray(4), crc32(key)));
  return record;
}

class Writer {
  readonly #database: Database;
  readonly #layout: Layout;
  #revision = 0;
  #batch = 0;
  /** Deletion of history: the rows that stand, oldest first, with their bytes. */
  #historyRows: { readonly key: Uint8Array; readonly bytes: number }[] = [];
  #historyFrom = 0;
  #historyBytes = 0;

  constructor(database: Database, layout: Layout) {
    this.#database = database;
    this.#layout = layout;
  }

  async write(numbers: readonly number[]): Promise<void> {
    const rows = this.#database.batch();
    const overlay = new Map<number, Uint8Array>();
    const chunk: Uint8Array[] = [];
    const firstRevision = this.#revision + 1;
    for (const number of numbers) {
      const key = keyOf(number);
      const currentKey = rowKey(prefixes.key, key);
      const old = overlay.get(number) ?? this.#database.getSync(currentKey);
      const revision = ++this.#revision;
      const at = Math.imul(revision, 97) & 32_767;
      const record = recordOf(key, valuePool.subarray(at, at + valueBytes), revision, old);
      const small = this.#layout === "B" ? record.slice(0, headerBytes) : record;
      overlay.set(number, small);
      rows.put(currentKey, small);
      if (this.#layout === "B" || this.#layout === "C") this.#addHistory(rows, revision, joined([key, record]));
      else if (this.#layout !== "A") chunk.push(key, record);
      if (this.#layout === "E" && old !== undefined) chunk.push(old);
    }
    if (chunk.length > 0) this.#addHistory(rows, firstRevision, joined(chunk));
    this.#trimHistory(rows);
    const meta = new Uint8Array(64).fill(this.#batch & 255);
    rows.put(Uint8Array.of(prefixes.meta), meta);
    rows.put(numberKey(prefixes.batch, ++this.#batch), meta.subarray(0, 4));
    if (this.#batch > numberedRowsKept) rows.del(numberKey(prefixes.batch, this.#batch - numberedRowsKept));
    await rows.write({ sync: false });
  }

  #addHistory(rows: Rows, revision: number, bytes: Uint8Array): void {
    const key = numberKey(prefixes.history, revision);
    rows.put(key, bytes);
    this.#historyRows.push({ key, bytes: bytes.byteLength });
    this.#historyBytes += bytes.byteLength;
  }

  #trimHistory(rows: Rows): void {
    // In B the rows of the newest versions are the values themselves. The bench lets them go too: a lower
    // bound for B, which in truth has to find out first whether a row is still pointed to.
    while (this.#historyBytes > historyBytesMax) {
      const oldest = this.#historyRows[this.#historyFrom++];
      if (oldest === undefined) break;
      rows.del(oldest.key);
      this.#historyBytes -= oldest.bytes;
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 4));
  let offset = 4;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  new DataView(bytes.buffer).setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

function measureReads(database: Database, layout: Layout, puts: number, workload: Workload): number {
  const reads = 20_000;
  const start = performance.now();
  for (let read = 0; read < reads; read++) {
    const number = (Math.imul(read, 7_919) >>> 0) % (workload === "new" ? puts : overwrittenKeys);
    const row = database.getSync(rowKey(prefixes.key, keyOf(number)));
    if (row === undefined) throw new Error(`key ${number} is missing`);
    if (layout !== "B") continue;
    const revision = new DataView(row.buffer, row.byteOffset, row.byteLength).getFloat64(12);
    database.getSync(numberKey(prefixes.history, revision));
  }
  return ((performance.now() - start) * 1000) / reads;
}

/** LevelDB has it, the types of `level` (which also cover browsers) have not. */
interface Compactable {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}

async function measure(subject: Case, puts: number): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), "balsa-layouts-"));
  const database: Database = new Level(directory, {
    keyEncoding: "view",
    valueEncoding: "view",
    writeBufferSize: subject.writeBufferMebibytes * 1024 * 1024,
    compression: subject.compression,
  });
  try {
    await database.open();
    const writer = new Writer(database, subject.layout);
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    for (let done = 0; done < puts; done += batchCommands) {
      const numbers = Array.from({ length: batchCommands }, (_, at) =>
        subject.workload === "new" ? done + at : (Math.imul(done + at, 48_271) >>> 3) % overwrittenKeys,
      );
      await writer.write(numbers);
    }
    const wall = performance.now() - start;
    const cpu = process.cpuUsage(cpuBefore);
    await (database as unknown as Compactable).compactRange(new Uint8Array(1), new Uint8Array(1).fill(255));
    const settled = performance.now() - start;
    const currentReadMicroseconds =
      subject.workload === "new" || puts > overwrittenKeys * 8
        ? measureReads(database, subject.layout, puts, subject.workload)
        : 0;
    return {
      wallMicroseconds: (wall * 1000) / puts,
      cpuMicroseconds: (cpu.user + cpu.system) / puts,
      settledMicroseconds: (settled * 1000) / puts,
      currentReadMicroseconds,
    };
  } finally {
    await database.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { puts: { type: "string", default: "300000" }, layouts: { type: "string", default: "ABCDE" } },
  });
  const puts = Number(values.puts);
  if (!Number.isSafeInteger(puts) || puts < batchCommands) throw new RangeError("--puts is a number, at least 64");
  console.log("layout workload   buffer snappy   wall µs  cpu µs  settled µs  read µs");
  for (const layout of ["A", "B", "C", "D", "E"] as const) {
    if (!values.layouts.includes(layout)) continue;
    for (const workload of ["new", "overwrite"] as const)
      for (const writeBufferMebibytes of [4, 64])
        for (const compression of [true, false]) {
          const figures = await measure({ layout, workload, writeBufferMebibytes, compression }, puts);
          console.log(
            `${layout}      ${workload.padEnd(9)} ${String(writeBufferMebibytes).padStart(4)} MiB ${compression ? "on " : "off"}   ` +
              `${figures.wallMicroseconds.toFixed(1).padStart(9)}${figures.cpuMicroseconds.toFixed(1).padStart(8)}` +
              `${figures.settledMicroseconds.toFixed(1).padStart(12)}${figures.currentReadMicroseconds.toFixed(1).padStart(9)}`,
          );
        }
  }
}

await main();
