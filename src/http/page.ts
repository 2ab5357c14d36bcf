/**
 * @module
 * Pages of listings: JSON that is put together a little at a time, within a bound for each and for all together.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { Exchange } from "./exchange.ts";

/** A page ends with the item that brings it there, although it may hold more items. */
const pageBytesMax = 16 * 1024 * 1024;
/** Of pages that are being made, or that their clients have not taken yet. */
const pagesBytesMax = 256 * 1024 * 1024;
/** Text is turned into bytes in pieces of this size. */
const pieceLength = 64 * 1024;

/** For all pages of this node. */
export function createPageBudget(): ByteBudget {
  return new ByteBudget(pagesBytesMax);
}

interface PageEnds {
  readonly revision: number | undefined;
  /** What the list of items is called. */
  readonly name: string;
  /** The cursor of the next page; undefined on the last. */
  readonly rest: string | undefined;
}

export class Page {
  readonly #exchange: Exchange;
  readonly #budget: ByteBudget;
  readonly #itemsMax: number;
  readonly #pieces: Buffer[] = [];
  #text = "";
  #items = 0;
  #bytes = 0;
  #answered = false;

  constructor(exchange: Exchange, budget: ByteBudget, itemsMax: number) {
    this.#exchange = exchange;
    this.#budget = budget;
    this.#itemsMax = itemsMax;
  }

  get isFull(): boolean {
    return this.#items >= this.#itemsMax || this.#bytes + this.#text.length >= pageBytesMax;
  }

  /** `item` is JSON. Throws OVERLOADED. */
  add(item: string): void {
    this.#text += this.#items === 0 ? item : `,${item}`;
    this.#items++;
    if (this.#text.length >= pieceLength) this.#cut();
  }

  answer({ revision, name, rest }: PageEnds, headers: string[]): void {
    this.#cut();
    const before = `{${revision === undefined ? "" : `"revision":${revision},`}${JSON.stringify(name)}:[`;
    const after = rest === undefined ? "]}" : `],"cursor":${JSON.stringify(rest)}}`;
    headers.push("Content-Type", "application/json");
    const held = this.#bytes;
    this.#answered = true;
    const { response } = this.#exchange;
    if (response.destroyed) this.#budget.give(held);
    else response.once("close", () => this.#budget.give(held));
    this.#exchange.sendPieces(200, headers, [Buffer.from(before), ...this.#pieces, Buffer.from(after)]);
  }

  /** Gives back what it holds, unless an answer does. */
  close(): void {
    if (!this.#answered) this.#budget.give(this.#bytes);
    this.#pieces.length = 0;
  }

  #cut(): void {
    const piece = Buffer.from(this.#text);
    if (!this.#budget.take(piece.length))
      throw new BalsaError("OVERLOADED", "too many listings are on their way out of this node");
    this.#text = "";
    this.#bytes += piece.length;
    this.#pieces.push(piece);
  }
}
