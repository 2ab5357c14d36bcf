/**
 * @module
 * How late an event loop runs its timers, shown on the board.
 */

import type { Board, BoardHistogram } from "./board.ts";

const sampleMs = 50;
/** A loop that is later than this is news: nothing on its thread has run for so long. */
const newsMs = 1_000;

/** Measures the loop of the calling thread until `clearInterval`; keeps no process alive. */
export function watchEventLoop(
  board: Board,
  histogram: BoardHistogram,
  onNews: (lateMs: number) => void = () => undefined,
): NodeJS.Timeout {
  let expected = performance.now() + sampleMs;
  const timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - expected;
    board.record(histogram, lateMs * 1000);
    expected = now + sampleMs;
    if (lateMs >= newsMs) onNews(lateMs);
  }, sampleMs);
  timer.unref();
  return timer;
}
