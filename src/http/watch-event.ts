/**
 * @module
 * What a watch's stream is made of (the HTML standard's event streams): changes, signs of life, the last words to a
 * reader that is too slow.
 */

import type { KeyChange } from "../kv/state-view.ts";
import { itemObject, textOrBase64 } from "./item-json.ts";

/** Milliseconds after which an EventSource comes back when its stream ends. */
const retryMs = 1000;

/** A change as event, encoded once for all who watch its key. */
export class ChangeEvent {
  readonly change: KeyChange;
  readonly #encoded: (Buffer | undefined)[] = [undefined, undefined, undefined, undefined];

  constructor(change: KeyChange) {
    this.change = change;
  }

  /**
   * `isLast`: no other change of its command follows in this stream. Only then has it the revision as its id, so that
   * an id never says more than what its reader has been given.
   */
  encode(previous: boolean, isLast: boolean): Buffer {
    const form = (previous ? 2 : 0) + (isLast ? 1 : 0);
    const encoded = this.#encoded[form] ?? Buffer.from(this.#text(previous, isLast));
    this.#encoded[form] = encoded;
    return encoded;
  }

  #text(withPrevious: boolean, isLast: boolean): string {
    const { revision, ordinal, key, record, previous } = this.change;
    const id = isLast ? String(revision) : `${revision}.${ordinal + 1}`;
    const item = record === null ? { ...textOrBase64("key", key), modRevision: revision } : itemObject(key, record);
    const shown = withPrevious && previous !== null ? { ...item, prev: itemObject(key, previous) } : item;
    return `id: ${id}\nevent: ${record === null ? "delete" : "put"}\ndata: ${JSON.stringify(shown)}\n\n`;
  }
}

/**
 * A comment and, in a block without data, an id: no event comes of it, and yet an EventSource resumes from there. So a
 * watch that was quiet for long does not resume from what has been compacted meanwhile.
 *
 * `revision` null: the stream stands in the middle of a command.
 */
export function encodeProgress(revision: number | null): Buffer {
  return Buffer.from(revision === null ? ":\n\n" : `: ${revision}\nid: ${revision}\n\n`);
}

/** How each stream begins; see `encodeProgress`. */
export function encodeBeginning(revision: number | null): Buffer {
  return Buffer.concat([Buffer.from(`retry: ${retryMs}\n`), encodeProgress(revision)]);
}

/** Everything up to `revision` has been given. */
export function encodeLagged(revision: number): Buffer {
  return Buffer.from(`id: ${revision}\nevent: lagged\ndata: ${JSON.stringify({ resume: revision })}\n\n`);
}
