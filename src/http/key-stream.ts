/**
 * @module
 * A listing as a stream: an item a line (NDJSON), as fast as the client takes it, a little in memory at a time.
 */

import { MomentClosedError, type RangeCursor } from "../kv/state-view.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { itemText } from "./item-json.ts";
import { giveWay } from "./moment-reads.ts";

const step = { rowsMax: 128, bytesMax: 64 * 1024 };
/** A moment of the state is kept no longer than this: disk space goes with it. */
const streamMsMax = 30 * 60 * 1000;

export interface StreamedItems {
  readonly cursor: RangeCursor;
  readonly headers: string[];
  readonly itemsMax: number;
}

/** Begins the answer and ends it; when it cannot be made whole, by cutting the connection. */
export async function streamItems(
  desk: Desk,
  exchange: Exchange,
  { cursor, headers, itemsMax }: StreamedItems,
): Promise<void> {
  const stream = new AnswerStream(exchange, 200, headers);
  const untilMs = performance.now() + streamMsMax;
  let left = itemsMax;
  try {
    while (left > 0 && performance.now() < untilMs) {
      const { items, done } = await cursor.next({ ...step, rowsMax: Math.min(step.rowsMax, left) });
      left -= items.length;
      let lines = "";
      for (const item of items) lines += `${itemText(item.key, item)}\n`;
      if (lines !== "" && !(await stream.write(Buffer.from(lines)))) return;
      if (done || left === 0) return stream.end();
      await giveWay(desk);
    }
  } catch (error) {
    // The state was replaced under it: the client sees that the stream is not whole, and begins again.
    if (!(error instanceof MomentClosedError)) throw error;
  } finally {
    stream.close();
  }
}
