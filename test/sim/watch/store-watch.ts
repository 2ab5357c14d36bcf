/**
 * @module
 * The invariants of states: the same index, the same state, on every node; never ahead of what is committed and
 * durable; and a snapshot that was installed is what replay would have made.
 */

import type { StateMeta } from "../../../src/kv/meta.ts";
import type { SimulatedProcess } from "../process.ts";
import type { StateRows } from "../state-disk.ts";
import type { World } from "../world.ts";
import type { Ledger } from "./ledger.ts";
import { checkReplay } from "./replay.ts";

export class StoreWatch {
  readonly #world: World;
  readonly #ledger: Ledger;
  /** By index, as the first node had it. */
  readonly #hashes = new Map<number, { readonly stateHash: number; readonly node: string }>();

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
  }

  onApplied({ id, machine, raft }: SimulatedProcess, meta: StateMeta): void {
    const { appliedIndex } = meta;
    this.#world.trace.note("applied", id, "index revision", appliedIndex, meta.revision);
    if (appliedIndex === 0) return;
    const { commitIndex } = this.#ledger;
    this.#check(appliedIndex <= commitIndex, "Only committed entries are applied", () => {
      return `${id} has applied entry ${appliedIndex}, and ${commitIndex} is committed`;
    });
    if (raft.core !== null && raft.core.installing === null) {
      const isOnDisk = (machine.rows.durableStart()?.link.index ?? 0) >= appliedIndex;
      this.#check(isOnDisk || machine.rows.durableTerm(appliedIndex) !== null, "A state never outruns its log", () => {
        return `${id} has applied entry ${appliedIndex}, which is not on its disk`;
      });
    }
    this.#checkState(id, meta);
  }

  onInstalled({ id }: SimulatedProcess, meta: StateMeta, rows: StateRows): void {
    const { appliedIndex } = meta;
    this.#world.trace.note("installed", id, "index revision", appliedIndex, meta.revision);
    this.#world.coverage.sometimes("a snapshot was installed");
    this.#check(appliedIndex <= this.#ledger.commitIndex, "Only committed entries are applied", () => {
      return `${id} installs a snapshot of ${appliedIndex}, and ${this.#ledger.commitIndex} is committed`;
    });
    this.#checkState(id, meta);
    checkReplay(this.#world, this.#ledger.model, id, rows, meta);
  }

  /** All that is applied on this node, record by record. */
  checkWhole(id: string, meta: StateMeta, rows: StateRows): void {
    this.#checkState(id, meta);
    checkReplay(this.#world, this.#ledger.model, id, rows, meta);
  }

  #checkState(id: string, { appliedIndex, appliedTerm, revision, stateHash }: StateMeta): void {
    const expected = this.#ledger.model.revisionAt(appliedIndex);
    this.#check(revision === expected, "State Machine Safety", () => {
      return `${id} is at revision ${revision} after entry ${appliedIndex}, which makes ${expected ?? "none"}`;
    });
    const term = this.#ledger.committedTerm(appliedIndex);
    this.#check(appliedTerm === term, "State Machine Safety", () => {
      return `${id} has applied entry ${appliedIndex} of term ${appliedTerm}, and that of ${term ?? 0} is committed`;
    });
    const known = this.#hashes.get(appliedIndex);
    if (known === undefined) this.#hashes.set(appliedIndex, { stateHash, node: id });
    this.#check(known === undefined || known.stateHash === stateHash, "State Machine Safety", () => {
      return `${id} and ${known?.node ?? ""} have other states after entry ${appliedIndex}`;
    });
  }

  #check(holds: boolean, invariant: string, message: () => string): void {
    this.#world.check(holds, invariant, message);
  }
}
