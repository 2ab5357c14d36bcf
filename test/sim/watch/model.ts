/**
 * @module
 * What the committed commands make of a store, written down a second time and as plainly as can be: every answer of
 * every node is held against it.
 */

import { crc32 } from "node:zlib";
import { decode } from "../../../src/codec/codec.ts";
import { type Condition, commandFromWire, type Operation } from "../../../src/kv/command.ts";
import { currentKey, keyName } from "../../../src/kv/keys.ts";
import { decodeRecord } from "../../../src/kv/record.ts";
import type { Entry } from "../../../src/raft/types.ts";
import type { StateRows } from "../state-disk.ts";
import type { World } from "../world.ts";

/** A key from `revision` on, until its next change. Null: it is not there. */
interface Change {
  readonly revision: number;
  readonly value: string | null;
}

interface Taken {
  readonly origin: number;
  readonly operation: Operation;
}

export class Model {
  readonly #world: World;
  readonly #changes = new Map<string, Change[]>();
  /** By revision; nothing at 0. */
  readonly #taken: (Taken | null)[] = [null];
  /** By index. */
  readonly #revisions: number[] = [0];
  readonly #times: number[] = [0];
  readonly #sequences = new Set<string>();
  /** Values whose writers were told that they are not applied. */
  readonly #disowned = new Set<string>();
  readonly #values = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  get revision(): number {
    return this.#taken.length - 1;
  }

  revisionAt(index: number): number | undefined {
    return this.#revisions[index];
  }

  /** The change that took a revision. */
  takenBy(revision: number): Taken | null {
    return this.#taken[revision] ?? null;
  }

  /** What a key was at a revision: the revision that made it so, and its value. */
  at(key: Uint8Array, revision: number): Change {
    const before = this.#changes.get(keyName(key))?.findLast((change) => change.revision <= revision);
    return before ?? { revision: 0, value: null };
  }

  apply(index: number, entry: Entry): void {
    const before = this.#times.at(-1) ?? 0;
    const message = (): string => `entry ${index} is of ${entry.time} ms, the one before of ${before} ms`;
    this.#world.check(entry.time >= before, "Cluster time never goes back", message);
    this.#times.push(entry.time);
    if (entry.kind === "command") this.#execute(entry.command);
    this.#revisions.push(this.revision);
  }

  /** The writer was told that its value is in no log and never will be. */
  disown(value: string): void {
    this.#disowned.add(value);
    this.#world.check(!this.#values.has(value), "Outcomes are true", () => `${value} is applied, and was disowned`);
  }

  /** Every current record of these rows is what the model has at `revision`, and nothing is missing. */
  checkRows(node: string, rows: StateRows, revision: number): void {
    for (const [name, changes] of this.#changes) {
      const expected = changes.findLast((change) => change.revision <= revision)?.value ?? null;
      const key = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
      const row = rows.get(currentKey(key));
      const record = row === undefined ? undefined : decodeRecord(key, row, crc32);
      const found = record?.kind === "value" ? textOf(record.value) : null;
      this.#world.check(found === expected, "A state equals its replay", () => {
        return `${node} holds ${found ?? "nothing"} under ${name} at revision ${revision} instead of ${expected ?? "nothing"}`;
      });
    }
  }

  #execute(bytes: Uint8Array): void {
    const { origin, sequence, operation } = commandFromWire(decode(bytes));
    const name = `${origin}/${sequence}`;
    // What a store proposes by itself may be there twice: it is of no consequence then.
    const isNew = origin === 0 || !this.#sequences.has(name);
    this.#world.check(isNew, "Exactly once", () => `command ${name} is in the log twice`);
    this.#sequences.add(name);
    const changes = changesOf(operation);
    if (changes === null) return;
    const isConditional = operation.kind === "put" || operation.kind === "delete";
    if (isConditional && !this.#holds(operation.key, operation.condition)) return;
    if (operation.kind === "delete" && this.at(operation.key, this.revision).value === null) return;
    this.#taken.push({ origin, operation });
    for (const { key, value } of changes) this.#change(key, value);
  }

  #holds(key: Uint8Array, condition: Condition): boolean {
    const { revision, value } = this.at(key, this.revision);
    switch (condition.kind) {
      case "none":
        return true;
      case "absent":
        return value === null;
      case "present":
        return value !== null;
      case "modRevision":
        return value !== null && revision === condition.revision;
    }
  }

  #change(key: Uint8Array, value: string | null): void {
    const name = keyName(key);
    const changes = this.#changes.get(name) ?? [];
    this.#changes.set(name, changes);
    changes.push({ revision: this.revision, value });
    if (value === null) return;
    this.#values.add(value);
    this.#world.check(!this.#disowned.has(value), "Outcomes are true", () => `${value} was disowned, and is applied`);
  }
}

/** Null: it changes no key. */
function changesOf(operation: Operation): { readonly key: Uint8Array; readonly value: string | null }[] | null {
  switch (operation.kind) {
    case "put":
      return [{ key: operation.key, value: textOf(operation.value) }];
    case "delete":
      return [{ key: operation.key, value: null }];
    case "putAll":
      return operation.pairs.map(({ key, value }) => ({ key, value: textOf(value) }));
    case "compact":
      return null;
    default:
      throw new RangeError(`the model knows no ${operation.kind} yet`);
  }
}

export function textOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
}
