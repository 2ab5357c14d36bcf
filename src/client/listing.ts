/**
 * @module
 * Listings: pages of a range, and a whole range as a stream that goes on elsewhere when a node breaks off.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { parseJson } from "./answer.ts";
import { bytesOf, type KeyLike } from "./bytes.ts";
import { type ClusterLink, expectStatus, jsonAt, storeRevisionOf } from "./cluster-link.ts";
import type { Answer, OpenAnswer } from "./exchange.ts";
import { arrayIn, headOf, type Item, itemOf, type KeyHead, numberIn } from "./item.ts";
import { linesOf } from "./lines.ts";
import { type KeyRange, type Order, type ReadOptions, rangePairs } from "./range.ts";

export interface ListOptions extends ReadOptions {
  /** By bytes; default `asc`. */
  readonly order?: Order | undefined;
  /** Items at most. */
  readonly limit?: number | undefined;
}

export interface PageOptions extends ReadOptions {
  /** By bytes; default `asc`. */
  readonly order?: Order | undefined;
  /** Items at most: 1 to 10 000, default 1000. */
  readonly limit?: number | undefined;
  /** Of the page before. It belongs to that listing, and to the revision at which that began. */
  readonly cursor?: string | undefined;
}

export interface Page<I> {
  /** The store revision that the whole listing shows; a watch from it misses nothing. */
  readonly revision: number;
  readonly items: readonly I[];
  /** Asks for the next page; absent on the last. */
  readonly cursor?: string;
}

type Parse<I> = (value: unknown) => I;

/** Streams of one listing that bring no item, in a row. */
const fruitlessMax = 3;

export class Listings {
  readonly #link: ClusterLink;

  constructor(link: ClusterLink) {
    this.#link = link;
  }

  page(range: KeyRange, options: PageOptions): Promise<Page<Item>> {
    return this.#page(range, options, { values: true, parse: itemOf });
  }

  keysPage(range: KeyRange, options: PageOptions): Promise<Page<KeyHead>> {
    return this.#page(range, options, { values: false, parse: headOf });
  }

  items(range: KeyRange, options: ListOptions): AsyncGenerator<Item, void, void> {
    return this.#stream(range, options, { values: true, parse: itemOf });
  }

  keys(range: KeyRange, options: ListOptions): AsyncGenerator<KeyHead, void, void> {
    return this.#stream(range, options, { values: false, parse: headOf });
  }

  async #page<I>(range: KeyRange, options: PageOptions, { values, parse }: Shape<I>): Promise<Page<I>> {
    const pairs = [...rangePairs(range), ...shapePairs(options, values)];
    if (options.cursor !== undefined) pairs.push(`cursor=${encodeURIComponent(options.cursor)}`);
    const fields = jsonAt(await this.#link.read("/keys", pairs, options));
    const { cursor } = fields;
    const page = { revision: numberIn(fields, "revision"), items: arrayIn(fields, "items").map(parse) };
    return typeof cursor === "string" ? { ...page, cursor } : page;
  }

  /**
   * A stream that breaks off goes on behind the last item that came, as of the revision at which it began. It fails when
   * that brings no item a few times in a row.
   */
  async *#stream<I extends KeyHead>(
    range: KeyRange,
    options: ListOptions,
    shape: Shape<I>,
  ): AsyncGenerator<I, void, void> {
    let rest = range;
    let asked = options;
    let fruitless = 0;
    for (;;) {
      const answer = await this.#open(rest, asked, shape.values);
      const revision = storeRevisionOf(answer);
      let last: KeyHead | undefined;
      let came = 0;
      try {
        for await (const line of linesOf(answer.chunks)) {
          last = shape.parse(parseJson(bytesOf(line)));
          came += 1;
          yield last as I;
        }
        return;
      } catch (cause) {
        options.signal?.throwIfAborted();
        if (cause instanceof BalsaError || !(cause instanceof Error)) throw cause;
        fruitless = last === undefined ? fruitless + 1 : 0;
        if (fruitless === fruitlessMax)
          throw new BalsaError("CONNECTION_LOST", `the listing broke off: ${cause.message}`);
      } finally {
        answer.close();
      }
      if (asked.limit !== undefined && asked.limit <= came) return;
      const limit = asked.limit === undefined ? undefined : asked.limit - came;
      if (last !== undefined) rest = behind(last.key, range, options.order ?? "asc");
      asked = { ...options, revision, limit };
    }
  }

  async #open(range: KeyRange, options: ListOptions, values: boolean): Promise<OpenAnswer> {
    const pairs = [...rangePairs(range), ...shapePairs(options, values)];
    const answer = await this.#link.open("/keys", pairs, options, { accept: "application/x-ndjson" });
    if ("chunks" in answer) return answer;
    throw refusalOf(answer);
  }
}

interface Shape<I> {
  readonly values: boolean;
  readonly parse: Parse<I>;
}

function shapePairs({ order, limit }: ListOptions, values: boolean): string[] {
  const pairs = values ? ["values=true"] : ["values=false"];
  if (order !== undefined) pairs.push(`order=${order}`);
  if (limit !== undefined) pairs.push(`limit=${limit}`);
  return pairs;
}

/** What of the range follows that key in this order. */
function behind(key: Uint8Array, range: KeyRange, order: Order): KeyRange {
  const { start, end } = edgesOf(range);
  if (order === "desc") return start === undefined ? { end: key } : { start, end: key };
  const next = Uint8Array.from([...key, 0]);
  return end === undefined ? { start: next } : { start: next, end };
}

function edgesOf(range: KeyRange): { readonly start?: KeyLike | undefined; readonly end?: KeyLike | undefined } {
  if (range.prefix === undefined) return range;
  const prefix = bytesOf(range.prefix);
  const end = afterPrefix(prefix);
  return { ...(prefix.length === 0 ? {} : { start: prefix }), ...(end === undefined ? {} : { end }) };
}

/** The least key above all that begin so; undefined when there is none. */
function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  const at = prefix.findLastIndex((byte) => byte < 255);
  if (at < 0) return undefined;
  const end = prefix.slice(0, at + 1);
  end[at] = (end[at] ?? 0) + 1;
  return end;
}

function refusalOf(answer: Answer): BalsaError {
  expectStatus(answer, 200);
  return new BalsaError("INTERNAL", "the node answered a stream with nothing");
}
