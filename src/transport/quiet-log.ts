/**
 * @module
 * Log lines that repeat are said once in a while: a peer that is down for an hour is not news every second.
 */

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LinkLogFields {
  readonly [name: string]: string | number | boolean | null;
}

export type WriteLogLine = (level: LogLevel, message: string, fields: LinkLogFields) => void;

/** Reasons remembered; strangers make no more of them than this. */
const topicsMax = 256;

export class QuietLog {
  readonly #write: WriteLogLine;
  readonly #intervalMs: number;
  /** When a topic was last spoken of, oldest first. */
  readonly #spokenAtMs = new Map<string, number>();

  constructor(write: WriteLogLine, intervalMs: number) {
    this.#write = write;
    this.#intervalMs = intervalMs;
  }

  /**
   * Writes the line unless one of the same topic, which names peer and reason, was written within the interval.
   * Gives whether it did.
   */
  say(level: LogLevel, topic: string, message: string, fields: LinkLogFields): boolean {
    const nowMs = performance.now();
    const spokenAtMs = this.#spokenAtMs.get(topic);
    if (spokenAtMs !== undefined && nowMs - spokenAtMs < this.#intervalMs) return false;
    this.#spokenAtMs.delete(topic);
    this.#spokenAtMs.set(topic, nowMs);
    if (this.#spokenAtMs.size > topicsMax) {
      const oldest = this.#spokenAtMs.keys().next();
      if (oldest.done !== true) this.#spokenAtMs.delete(oldest.value);
    }
    this.#write(level, message, fields);
    return true;
  }

  /** Something changed for better: the next trouble of this topic is news. */
  forget(topic: string): void {
    this.#spokenAtMs.delete(topic);
  }
}
