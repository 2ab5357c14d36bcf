/**
 * @module
 * A state in memory that commands are applied to, as the store would.
 */

import type { Command, Condition, Operation } from "../../src/kv/command.ts";
import type { Result } from "../../src/kv/result.ts";
import type { KeyRead, KeyRecord, StateMoment, StateView } from "../../src/kv/state-view.ts";

export class MemoryView implements StateView {
  readonly #records = new Map<string, KeyRecord>();
  #revision = 0;
  /** Set by a test: the next read finds a record that does not verify. */
  broken: Error | undefined = undefined;

  read(key: Uint8Array): KeyRead {
    if (this.broken !== undefined) throw this.broken;
    return { revision: this.#revision, record: this.#records.get(nameOf(key)) };
  }

  revision(): number {
    return this.#revision;
  }

  moment(): StateMoment {
    throw new Error("this double answers single keys only");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  apply(command: Command): Result {
    const { operation } = command;
    if (operation.kind === "put" || operation.kind === "delete") {
      const present = this.#records.get(nameOf(operation.key));
      if (!holds(operation.condition, present)) {
        return { kind: "conditionFailed", modRevision: present?.modRevision ?? 0 };
      }
      if (operation.kind === "delete" && present === undefined) return { kind: "deleted", deleted: 0 };
    }
    this.#revision++;
    return this.#change(operation);
  }

  #change(operation: Operation): Result {
    switch (operation.kind) {
      case "put":
        this.#put(operation.key, operation.value);
        return { kind: "put", modRevision: this.#revision };
      case "delete":
        this.#records.delete(nameOf(operation.key));
        return { kind: "deleted", deleted: 1 };
      case "putAll":
        for (const { key, value } of operation.pairs) this.#put(key, value);
        return { kind: "putAll" };
      default:
        throw new Error(`this double does not know ${operation.kind}`);
    }
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    const before = this.#records.get(nameOf(key));
    this.#records.set(nameOf(key), {
      value: Uint8Array.from(value),
      createRevision: before?.createRevision ?? this.#revision,
      modRevision: this.#revision,
      version: (before?.version ?? 0) + 1,
      leaseId: 0,
    });
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}

function holds(condition: Condition, present: KeyRecord | undefined): boolean {
  switch (condition.kind) {
    case "none":
      return true;
    case "absent":
      return present === undefined;
    case "present":
      return present !== undefined;
    case "modRevision":
      return present?.modRevision === condition.revision;
  }
}
