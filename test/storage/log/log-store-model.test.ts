import { expect } from "chai";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { PackedEntry } from "../../../src/codec/entries.ts";
import type { SnapshotMetadata, TermRun } from "../../../src/raft/types.ts";
import { allEntries, entryKeyBytes } from "../../../src/storage/log/key.ts";
import { LevelRows } from "../../../src/storage/log/level-rows.ts";
import type { LogHead, LogOperation } from "../../../src/storage/log/log-storage.ts";
import { LogStore } from "../../../src/storage/log/log-store.ts";
import { MemoryRows } from "../../../src/storage/log/memory-rows.ts";
import type { RowStore } from "../../../src/storage/log/row-store.ts";
import { command, makeTemporaryDirectory, removeDirectory, snapshotAt } from "./fixtures.ts";

/** Numbers from 0 up to 1 choose among what is possible when their step is done. */
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      /** Which of the last entries it replaces: often none, seldom many. */
      replaced: fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 40 })),
      /** Bytes of payload of each entry. */
      sizes: fc.array(fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(0, 20_000, 66_000)), { maxLength: 12 }),
      newTerm: fc.boolean(),
      vote: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("compact" as const), at: share }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("reset" as const, "recordSnapshot" as const), at: share }),
  },
);

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("write" as const), changes: fc.array(change, { maxLength: 5 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      from: share,
      to: share,
      bytesMax: fc.constantFrom(1, 30, 50_000, 1e9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("reopen" as const, "sweep" as const) }) },
);

type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** The log as an array: what it must hold, and how far it may be compacted. */
class Model {
  /** Entries above `base`, where the log began when it was last reset. */
  base = 0;
  baseTerm = 0;
  baseTime = 0;
  entries: PackedEntry[] = [];
  /** The start is at or below this, and at or above `base`. */
  compactedTo = 0;
  snapshot: SnapshotMetadata | null = null;
  hardState = { currentTerm: 0, votedFor: null as string | null };

  get last(): number {
    return this.base + this.entries.length;
  }

  termAt(index: number): number {
    return index === this.base ? this.baseTerm : (this.entries[index - this.base - 1]?.[0] ?? 0);
  }

  /** The change as an operation that is possible now; it is done here, too. */
  take(drawn: Change): LogOperation {
    if (drawn.kind === "append") return this.#append(drawn);
    const index = this.compactedTo + Math.floor(drawn.at * (this.last - this.compactedTo + 1));
    const snapshot = snapshotAt(index, this.termAt(index));
    if (drawn.kind === "reset") {
      // To below the end, or above it.
      const to = snapshotAt(index + (drawn.at > 0.7 ? 50 : 0), this.termAt(this.last));
      this.base = to.lastIncludedIndex;
      this.baseTerm = to.lastIncludedTerm;
      this.baseTime = to.lastIncludedTime;
      this.entries = [];
      this.snapshot = to;
      this.compactedTo = this.base;
      return { kind: "reset", snapshot: to };
    }
    if (index > (this.snapshot?.lastIncludedIndex ?? 0)) this.snapshot = snapshot;
    if (drawn.kind === "recordSnapshot") return { kind: "recordSnapshot", snapshot };
    this.compactedTo = index;
    return { kind: "compact", index, snapshot };
  }

  #append(drawn: Change & { kind: "append" }): LogOperation {
    const firstIndex = Math.max(this.compactedTo + 1, this.last + 1 - drawn.replaced);
    const term = this.termAt(this.last) + (drawn.newTerm ? 1 : 0);
    const entries = drawn.sizes.map((size, at) => command(term, `${firstIndex + at}/${term}`.padEnd(size), firstIndex));
    if (entries.length > 0) this.entries.splice(firstIndex - this.base - 1, Number.POSITIVE_INFINITY, ...entries);
    if (drawn.vote) this.hardState = { currentTerm: Math.max(term, this.hardState.currentTerm), votedFor: `n${term}` };
    const hardState = drawn.vote ? this.hardState : null;
    return { kind: "append", firstIndex, entries, hardState, term: this.termAt(this.last), lastIndex: this.last };
  }

  termRuns(start: number): TermRun[] {
    const runs: TermRun[] = [];
    for (let firstIndex = start + 1; firstIndex <= this.last; firstIndex += 1) {
      const term = this.termAt(firstIndex);
      if (runs.at(-1)?.term !== term) runs.push({ term, firstIndex });
    }
    return runs;
  }

  /** What a read of [from, to) gives: up to `bytesMax`, and one entry at least. */
  read(from: number, to: number, bytesMax: number): PackedEntry[] {
    const read: PackedEntry[] = [];
    let bytes = 0;
    for (const entry of this.entries.slice(from - this.base - 1, to - this.base - 1)) {
      bytes += entry[3].byteLength;
      if (read.length > 0 && bytes > bytesMax) break;
      read.push(entry);
    }
    return read;
  }
}

/** Carries out steps on a log and on the model, and holds one against the other. */
class Comparison {
  readonly #rows: () => RowStore;
  readonly #model = new Model();
  #log: LogStore;
  #head: LogHead | null = null;
  #open: RowStore;

  constructor(rows: () => RowStore) {
    this.#rows = rows;
    this.#open = rows();
    this.#log = new LogStore(this.#open);
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#log.open();
    try {
      for (const one of steps) await this.#do(one);
      await this.#reopen();
      await this.#sweep();
    } finally {
      await this.#log.close();
    }
  }

  #do(one: Step): Promise<void> {
    switch (one.kind) {
      case "write":
        return this.#write(one.changes);
      case "read":
        return this.#read(one);
      case "reopen":
        return this.#reopen();
      case "sweep":
        return this.#sweep();
    }
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const model = this.#model;
    this.#head = await this.#log.write(changes.map((drawn) => model.take(drawn)));
    expect(this.#head.last).to.deep.equal({ index: model.last, term: model.termAt(model.last) });
    expect(this.#head.hardState).to.deep.equal(model.hardState);
    await this.#readAll();
  }

  async #readAll(): Promise<void> {
    const { compactedTo, last } = this.#model;
    if (compactedTo < last) await this.#compare(compactedTo + 1, last + 1, 1e9);
  }

  #read(drawn: Step & { kind: "read" }): Promise<void> {
    const { compactedTo, last } = this.#model;
    if (compactedTo === last) return Promise.resolve();
    const from = compactedTo + 1 + Math.floor(drawn.from * (last - compactedTo));
    const to = from + 1 + Math.floor(drawn.to * (last - from + 1));
    return this.#compare(from, to, drawn.bytesMax);
  }

  async #compare(from: number, to: number, bytesMax: number): Promise<void> {
    const read = await this.#log.read({ from, to, bytesMax });
    expect(read.map(nameOf)).to.deep.equal(this.#model.read(from, to, bytesMax).map(nameOf));
  }

  async #reopen(): Promise<void> {
    const model = this.#model;
    await this.#log.close();
    this.#open = this.#rows();
    this.#log = new LogStore(this.#open);
    const opened = await this.#log.open();
    const start = opened.logStart.index;
    expect(start).to.be.within(model.base, model.compactedTo);
    expect(opened.logStart.term).to.equal(model.termAt(start));
    expect(opened.termRuns).to.deep.equal(model.termRuns(start));
    expect(opened.last).to.deep.equal({ index: model.last, term: model.termAt(model.last) });
    expect(opened.lastTime).to.equal(model.entries.at(-1)?.[1] ?? model.baseTime);
    expect(opened.hardState).to.deep.equal(model.hardState);
    expect(opened.snapshot).to.deep.equal(model.snapshot);
    if (this.#head !== null) expect(opened.bytes).to.equal(this.#head.bytes);
    if (start < model.last) await this.#compare(start + 1, model.last + 1, 1e9);
  }

  /** Then there are just the records that count. */
  async #sweep(): Promise<void> {
    while (await this.#log.sweep());
    const cursor = this.#open.rows(allEntries, 1e9);
    let bytes = 0;
    for (let rows = await cursor.next(); rows.length > 0; rows = await cursor.next()) {
      for (const { value } of rows) bytes += entryKeyBytes + value.byteLength;
    }
    await cursor.close();
    expect(bytes).to.equal(this.#head?.bytes ?? 0);
  }
}

/** Everything of an entry in few characters. */
function nameOf([term, time, type, payload]: PackedEntry): string {
  return `${term} ${time} ${type} ${payload.byteLength} ${Buffer.from(payload).toString("latin1").trimEnd()}`;
}

describe("the log beside an array of entries", () => {
  it("holds the same, whatever is written in one write or several, over memory", async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const rows = new MemoryRows();
      await new Comparison(() => rows).run(steps);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it("holds the same over LevelDB", async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const directory = await makeTemporaryDirectory();
      try {
        await new Comparison(() => new LevelRows(directory)).run(steps);
      } finally {
        await removeDirectory(directory);
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });
});
