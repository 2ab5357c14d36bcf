/**
 * @module
 * Lists everything under a prefix, by pages or as a stream, and holds what comes against what must be there.
 */

import { createInterface } from "node:readline";
import { Readable } from "node:stream";

/** What a listing has shown. */
export interface Listed {
  readonly items: number;
  /** Of the keys that were loaded before. */
  readonly missing: number;
  /** Keys that were not above the one before them. */
  readonly misplaced: number;
  /** Items that are younger than the listing. */
  readonly tooNew: number;
  readonly revisions: readonly number[];
  readonly ms: number;
  /** All but the loaded ones. */
  readonly others: ReadonlySet<string>;
}

interface Item {
  readonly key: string;
  readonly modRevision: number;
}

const pageItems = 10_000;

class Tally {
  readonly others = new Set<string>();
  readonly revisions = new Set<number>();
  readonly #isLoaded: (key: string) => boolean;
  #items = 0;
  #loaded = 0;
  #misplaced = 0;
  #tooNew = 0;
  #last = "";

  constructor(isLoaded: (key: string) => boolean) {
    this.#isLoaded = isLoaded;
  }

  take({ key, modRevision }: Item, revision: number): void {
    this.#items += 1;
    if (this.#isLoaded(key)) this.#loaded += 1;
    else this.others.add(key);
    if (key <= this.#last) this.#misplaced += 1;
    if (modRevision > revision) this.#tooNew += 1;
    this.#last = key;
  }

  listed(loaded: number, ms: number): Listed {
    return {
      items: this.#items,
      missing: loaded - this.#loaded,
      misplaced: this.#misplaced,
      tooNew: this.#tooNew,
      revisions: [...this.revisions],
      ms,
      others: this.others,
    };
  }
}

export interface Loaded {
  readonly count: number;
  /** Of the keys under the prefix; ASCII, so that their order is that of their bytes. */
  readonly isLoaded: (key: string) => boolean;
}

export async function listByPages(url: string, prefix: string, { count, isLoaded }: Loaded): Promise<Listed> {
  const startedAt = performance.now();
  const tally = new Tally(isLoaded);
  let cursor: string | undefined;
  do {
    const rest = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(`${url}/keys?prefix=${prefix}&limit=${pageItems}${rest}`);
    if (answer.status !== 200) throw new Error(`a page answered ${answer.status}: ${await answer.text()}`);
    const page = (await answer.json()) as { revision: number; items: readonly Item[]; cursor?: string };
    tally.revisions.add(page.revision);
    for (const item of page.items) tally.take(item, page.revision);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return tally.listed(count, performance.now() - startedAt);
}

export async function listAsStream(url: string, prefix: string, { count, isLoaded }: Loaded): Promise<Listed> {
  const startedAt = performance.now();
  const tally = new Tally(isLoaded);
  const answer = await fetch(`${url}/keys?prefix=${prefix}`, { headers: { accept: "application/x-ndjson" } });
  if (answer.status !== 200 || answer.body === null) throw new Error(`the stream answered ${answer.status}`);
  const revision = Number(answer.headers.get("balsa-revision"));
  tally.revisions.add(revision);
  const lines = createInterface({ input: Readable.fromWeb(answer.body), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) tally.take(JSON.parse(line) as Item, revision);
  return tally.listed(count, performance.now() - startedAt);
}
