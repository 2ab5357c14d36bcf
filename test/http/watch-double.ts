/**
 * @module
 * What watches stand on, played by the test: a history that grows when told so and is read in small steps, and
 * connections that take bytes when told so.
 */

import type { Backend } from "../../src/http/backend.ts";
import { type EventSink, isAbove } from "../../src/http/watcher.ts";
import { afterRevision } from "../../src/kv/keys.ts";
import {
  type ChangesAsk,
  type ChangesRead,
  type KeyChange,
  type KeyRecord,
  MomentClosedError,
  type StateMoment,
  type StateView,
} from "../../src/kv/state-view.ts";
import { isInRange } from "../../src/kv/transaction.ts";

/** `bytesMax` of a read counts as so many bytes a change. */
const changeBytes = 32 * 1024;

export class HistoryDouble {
  readonly changes: KeyChange[] = [];
  revision = 0;
  compactedRevision = 0;
  /** Set while what is compacted is still here. */
  historyFrom: number | null = null;
  /** Reads so far. */
  reads = 0;
  readonly failures: unknown[] = [];
  /** Set while reads are to be answered later. */
  gate: Promise<void> | null = null;
  #generation = 1;
  readonly #records = new Map<string, KeyRecord>();

  /** One command: puts of these keys, a deletion where the value is null. */
  command(...pairs: readonly (readonly [key: string, value: string | null])[]): void {
    this.revision++;
    const { revision } = this;
    for (const [ordinal, [name, text]] of pairs.entries()) {
      const previous = this.#records.get(name) ?? null;
      const record: KeyRecord | null =
        text === null
          ? null
          : {
              value: Buffer.from(text),
              createRevision: previous?.createRevision ?? revision,
              modRevision: revision,
              version: (previous?.version ?? 0) + 1,
              leaseId: 0,
            };
      if (record === null) this.#records.delete(name);
      else this.#records.set(name, record);
      this.changes.push({ revision, ordinal, key: Buffer.from(name), record, previous });
    }
  }

  /** The state is another one from now on; reads that are under way find theirs closed. */
  replace(): void {
    this.#generation++;
  }

  /** Only what watches ask of it is there. */
  get backend(): Backend {
    const double = { view: () => this.#view(), fail: (cause: unknown) => void this.failures.push(cause) };
    return double as Partial<Backend> as Backend;
  }

  #view(): StateView {
    const view = { revision: () => this.revision, moment: () => this.#moment() };
    return view as Partial<StateView> as StateView;
  }

  #moment(): StateMoment {
    const { revision, compactedRevision } = this;
    const generation = this.#generation;
    const moment = {
      revision,
      compactedRevision,
      historyFrom: this.historyFrom ?? compactedRevision,
      changes: async (ask: ChangesAsk): Promise<ChangesRead> => {
        this.reads++;
        await this.gate;
        if (generation !== this.#generation) throw new MomentClosedError();
        return this.#read(ask, revision);
      },
      close: async () => undefined,
    };
    return moment as Partial<StateMoment> as StateMoment;
  }

  #read({ after, ranges, isWanted, bytesMax }: ChangesAsk, revision: number): ChangesRead {
    const above = this.changes.filter((change) => isAbove(change, after) && change.revision <= revision);
    const isAsked = ({ key }: KeyChange): boolean =>
      (ranges?.some((range) => isInRange(key, range)) ?? true) && (isWanted?.(key) ?? true);
    const count = Math.max(1, Math.floor(bytesMax / changeBytes));
    const [next, last] = [above[count], above[count - 1]];
    if (next === undefined || last === undefined)
      return { changes: above.filter(isAsked), through: afterRevision(revision), more: false };
    const whole = next.revision > last.revision ? last.revision : last.revision - 1;
    const taken = above.slice(0, count);
    const ended = taken.filter((change) => change.revision <= whole);
    if (ended.length > 0) return { changes: ended.filter(isAsked), through: afterRevision(whole), more: true };
    return { changes: taken.filter(isAsked), through: last, more: true };
  }
}

/** A connection that takes everything at once, until it is told to stall. */
export class SinkDouble implements EventSink {
  text = "";
  stalled = false;
  ended = false;
  destroyed = false;
  writableLength = 0;
  /** Milliseconds after which its connection is cut when nothing moves; 0: never. */
  timeoutMs = 0;
  readonly socket = {
    cork: (): void => undefined,
    uncork: (): void => undefined,
    setTimeout: (milliseconds: number): void => {
      this.timeoutMs = milliseconds;
    },
  };
  #onTaken: (() => void)[] = [];

  write(bytes: Uint8Array, onTaken: () => void = () => undefined): void {
    if (this.ended) throw new Error("written after its end");
    this.text += Buffer.from(bytes).toString();
    if (this.stalled) {
      this.writableLength += bytes.length;
      this.#onTaken.push(onTaken);
    } else {
      process.nextTick(onTaken);
    }
  }

  /** The client takes all that was written, and what comes. */
  drain(): void {
    this.stalled = false;
    this.writableLength = 0;
    for (const onTaken of this.#onTaken.splice(0)) onTaken();
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** `<id> <event> <key>` of each event, in order; blocks without data are none. */
  get events(): readonly string[] {
    return this.text
      .split("\n\n")
      .filter((block) => block.includes("data: "))
      .map((block) => {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
        const { key, resume } = JSON.parse(field("data")) as { key?: string; resume?: number };
        return `${field("id")} ${field("event")} ${key ?? resume}`;
      });
  }
}

/** Looks every few milliseconds until it is so; throws, with what was waited for, when it is not in time. */
export async function untilTrue(what: string, condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
