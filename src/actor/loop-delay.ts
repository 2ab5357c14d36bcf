/**
 * @module
 * How late an event loop runs its timers, shown on the board.
 */

import type { Board, BoardHistogram } from "./board.ts";

const sampleMs = 50;

/** Measures the loop of the calling thread until `clearInterval`; keeps no process alive. */
export function watchEventLoop(board: Board, histogram: BoardHistogram): NodeJS.Timeout {
  let expected = performance.now() + sampleMs;
  const timer = setInterval(() => {
    const now = performance.now();
    board.record(histogram, (now - expected) * 1000);
    expected = now + sampleMs;
  }, sampleMs);
  timer.unref();
  return timer;
}
