/**
 * @module
 * So many at once, the others one after the other in the order they came.
 */

export class Turnstile {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** Resolves once the caller is inside, and has to `leave`; undefined when as many wait as may. */
  enter(): Promise<void> | undefined {
    if (this.#inside < this.#insideMax) {
      this.#inside++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#waitingMax) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside--;
    else next();
  }
}
