/**
 * @module
 * Entries as bytes, packed once: what goes to the log also goes to both peers and to the store, and what
 * came from the leader goes to the log as it came.
 */

import { encodeEntries } from "../../codec/entries.ts";
import type { Entry, LogIndex, Term } from "../../raft/types.ts";

interface PackedRun {
  readonly first: Entry;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly bytes: Uint8Array;
}

/** Remembers the newest packed runs, by their first entry and their end: as many as both bounds hold, and at least one. */
export class PackedRuns {
  /** By their first index, in the order in which they came. */
  readonly #runs = new Map<LogIndex, PackedRun>();
  readonly #runsMax: number;
  readonly #bytesMax: number;
  /** Of all that is remembered. */
  #bytes = 0;

  constructor({ runsMax, bytesMax }: { readonly runsMax: number; readonly bytesMax: number }) {
    this.#runsMax = runsMax;
    this.#bytesMax = bytesMax;
  }

  /** The entries' bytes; the same buffer for the same run, so it must never be transferred. */
  pack(entries: readonly Entry[]): Uint8Array {
    const first = entries[0];
    const last = entries.at(-1);
    if (first === undefined || last === undefined) return new Uint8Array(0);
    const known = this.#runs.get(first.index);
    // The same first entry object means the same log; the same end then means the same run.
    if (
      known !== undefined &&
      known.first === first &&
      known.lastIndex === last.index &&
      known.lastTerm === last.term
    ) {
      return known.bytes;
    }
    const bytes = encodeEntries(entries);
    this.#remember({ first, lastIndex: last.index, lastTerm: last.term, bytes });
    return bytes;
  }

  /** Remembers bytes that came packed from the leader. */
  adopt(entries: readonly Entry[], bytes: Uint8Array): void {
    const first = entries[0];
    const last = entries.at(-1);
    if (first === undefined || last === undefined) return;
    this.#remember({ first, lastIndex: last.index, lastTerm: last.term, bytes });
  }

  #remember(run: PackedRun): void {
    this.#forget(run.first.index);
    this.#runs.set(run.first.index, run);
    this.#bytes += run.bytes.byteLength;
    // The newest stays, however large: it goes to the log and to every peer in this very turn.
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size === 1 || (this.#runs.size <= this.#runsMax && this.#bytes <= this.#bytesMax)) return;
      this.#forget(oldest);
    }
  }

  #forget(firstIndex: LogIndex): void {
    this.#bytes -= this.#runs.get(firstIndex)?.bytes.byteLength ?? 0;
    this.#runs.delete(firstIndex);
  }
}
