/**
 * @module
 * The one clock that all threads of a process read alike. (`performance.now()` counts from each thread's own
 * start.)
 */

/** Milliseconds of the system's monotonic clock, the same on every thread of this machine. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
