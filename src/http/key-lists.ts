/**
 * @module
 * `GET /keys`: a page of a listing, or all of it as a stream.
 */

import type { KeyItem, RangeCursor } from "../kv/state-view.ts";
import { successorOf } from "../kv/transaction.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { encodeCursor } from "./cursor.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { bad } from "./fields.ts";
import { refuseFields, writeFields } from "./header.ts";
import { itemText } from "./item-json.ts";
import { streamItems } from "./key-stream.ts";
import { type ListQuery, pageItemsDefault, parseListQuery } from "./list-query.ts";
import { giveWay, isOpen, type MomentReads, momentHeaders, type ReadMoment, readableRevision } from "./moment-reads.ts";
import { Page } from "./page.ts";
import { Turnstile } from "./turnstile.ts";

/** Streams at once: each keeps a moment of the state, and with it disk space, for as long as it takes. */
const streamsMax = 16;
/** Read and put into words at once: what else came meanwhile waits for that, half a millisecond on a machine that has nothing else to do. */
const step = { rowsMax: 128, bytesMax: 128 * 1024 };

export class KeyLists {
  readonly #desk: Desk;
  readonly #moments: MomentReads;
  readonly #pages: ByteBudget;
  readonly #streams = new Turnstile(streamsMax, 0);

  constructor(desk: Desk, moments: MomentReads, pages: ByteBudget) {
    this.#desk = desk;
    this.#moments = moments;
    this.#pages = pages;
  }

  onRequest(exchange: Exchange, text: string): void {
    const { headers } = exchange.request;
    refuseFields(headers, writeFields);
    const query = parseListQuery(text, this.#desk.options.keyBytesMax);
    const { level, revision } = query;
    if (headers.accept?.includes("application/x-ndjson") !== true) {
      return this.#moments.submit(exchange, { level, revision, onMoment: (read) => this.#page(exchange, query, read) });
    }
    if (query.continues) throw bad("a stream has no pages: it takes no cursor");
    const onMoment = (read: ReadMoment): Promise<void> => this.#stream(exchange, query, read);
    this.#moments.submit(exchange, { level, revision, onMoment, turnstile: this.#streams });
  }

  async #page(exchange: Exchange, query: ListQuery, { moment, ageMs }: ReadMoment): Promise<void> {
    const revision = readableRevision(moment, query.revision);
    const page = new Page(exchange, this.#pages, query.limit ?? pageItemsDefault);
    const cursor = moment.range({ ...query, revision });
    try {
      const last = await fillPage(this.#desk, exchange, { cursor, page });
      const rest = last === undefined ? undefined : encodeCursor({ ...restOf(query, last), revision });
      page.answer({ revision, name: "items", rest }, momentHeaders(revision, ageMs));
    } finally {
      page.close();
      await cursor.close();
    }
  }

  async #stream(exchange: Exchange, query: ListQuery, { moment, ageMs }: ReadMoment): Promise<void> {
    const revision = readableRevision(moment, query.revision);
    const headers = ["Content-Type", "application/x-ndjson", ...momentHeaders(revision, ageMs)];
    if (exchange.request.method === "HEAD") return exchange.sendWhole(200, headers, "");
    const cursor = moment.range({ ...query, revision });
    try {
      await streamItems(this.#desk, exchange, { cursor, headers, itemsMax: query.limit ?? Number.POSITIVE_INFINITY });
    } finally {
      await cursor.close();
    }
  }
}

/** Reads until the page is full; gives its last item when more follow. */
async function fillPage(
  desk: Desk,
  exchange: Exchange,
  { cursor, page }: { readonly cursor: RangeCursor; readonly page: Page },
): Promise<KeyItem | undefined> {
  let last: KeyItem | undefined;
  while (isOpen(exchange)) {
    const { items, done } = await cursor.next(page.isFull ? { ...step, rowsMax: 1 } : step);
    for (const item of items) {
      if (page.isFull) return last;
      page.add(itemText(item.key, item));
      last = item;
    }
    if (done) return undefined;
    await giveWay(desk);
  }
  return undefined;
}

/** What of the listing follows its item `last`. */
function restOf(query: ListQuery, last: KeyItem): ListQuery {
  const { range, order } = query;
  const rest = order === "asc" ? { ...range, from: successorOf(last.key) } : { ...range, to: last.key };
  return { ...query, range: rest };
}
