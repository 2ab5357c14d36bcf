/**
 * @module
 * How long writes wait for company, so that one proposal carries many (group commit; dissertation §10.2.1).
 *
 * What a proposal costs three nodes hardly depends on how many commands it holds: it wakes some forty threads. So
 * while one is under way the next gathers; and when it is answered, the next waits a moment for the writers that were
 * just answered, most of whom write again at once. It waits for a share of them, not for the last: else each proposal
 * would take as long as the slowest writer, and nobody would parse requests while one is on its way. A few writers
 * would gain nothing by it, and are not kept waiting; nor are commands that make a proposal large as they are.
 */

export interface GatheringLimits {
  /** Fewer writers than this do not wait for each other. */
  readonly writersMin: number;
  /** As soon as this share of those who write at present wait, they wait no longer; between 0 and 1. */
  readonly share: number;
  /** So many commands wait for nobody. */
  readonly commandsMax: number;
  /** Nor do so many bytes of commands. */
  readonly bytesMax: number;
  /** The longest that a command waits behind a proposal, in milliseconds. */
  readonly behindMsMax: number;
  /** The longest wait for writers to return, in milliseconds after one was last answered. */
  readonly returnMsMax: number;
}

export class Gathering {
  readonly #limits: GatheringLimits;
  /** Commands of the newest proposal. */
  #proposed = 0;
  /** Writers answered since that. */
  #answered = 0;
  #answeredAtMs = 0;
  /** Those who wait or were just answered; counted anew whenever somebody is answered. */
  #expected = 0;
  #hasNewAnswers = false;
  /** Bytes that were queued since the newest proposal, and when the first of them were. */
  #bytes = 0;
  #sinceMs = 0;

  constructor(limits: GatheringLimits) {
    this.#limits = limits;
  }

  onQueued(bytes: number, nowMs: number): void {
    if (this.#bytes === 0) this.#sinceMs = nowMs;
    this.#bytes += bytes;
  }

  onAnswered(nowMs: number): void {
    this.#answered++;
    this.#answeredAtMs = nowMs;
    this.#hasNewAnswers = true;
  }

  onProposed(commands: number): void {
    this.#proposed = commands;
    this.#answered = 0;
    this.#expected = 0;
    this.#bytes = 0;
  }

  /** Until when the `queued` commands are to wait; 0 for no longer. `isUnderWay`: the newest proposal is not decided. */
  waitUntilMs(queued: number, isUnderWay: boolean, nowMs: number): number {
    const { writersMin, share, commandsMax, bytesMax, behindMsMax, returnMsMax } = this.#limits;
    if (this.#hasNewAnswers) {
      this.#hasNewAnswers = false;
      this.#expected = this.#answered + queued;
    }
    if (queued >= commandsMax || this.#bytes >= bytesMax) return 0;
    const writers = isUnderWay ? this.#proposed + queued : this.#expected;
    if (writers < writersMin || queued >= writers * share) return 0;
    const untilMs = isUnderWay ? this.#sinceMs + behindMsMax : this.#answeredAtMs + returnMsMax;
    return nowMs < untilMs ? untilMs : 0;
  }
}
