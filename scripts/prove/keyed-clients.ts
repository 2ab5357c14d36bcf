/**
 * @module
 * Clients that count up, and send everything that was not answered again under the same Idempotency-Key, at another
 * node, until it is answered.
 */

import { randomInt, randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { type CallAnswer, call } from "./http-call.ts";

/** What a client does to its counter; each says in its own way how often it was done. */
export type CounterKind = "put" | "compareAndSet" | "transaction";

export interface Counter {
  readonly kind: CounterKind;
  readonly key: string;
  /** Increments that were acknowledged. */
  acknowledged: number;
}

export interface KeyedCounts {
  /** Requests that were sent, the first of each operation among them. */
  sent: number;
  /** Sent again after a time-out, a lost connection, or an answer of unknown outcome. */
  repeatedUnknown: number;
  /** Sent again after an answer that said that nothing was applied. */
  repeatedRefused: number;
  /** Conditions that failed: somebody else was first. */
  conflicts: number;
  /** Answers that no client of these should get; null when there was none. */
  odd: string | null;
}

interface Ask {
  readonly method: "PUT" | "POST";
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const callTimeoutMs = 8_000;
/** Of a write: so short that many end while the command is under way. */
const timeoutMsMin = 4;
const timeoutMsMax = 250;
const repeatPauseMs = 20;

export class KeyedClients {
  readonly counters: readonly Counter[];
  readonly counts: KeyedCounts = { sent: 0, repeatedUnknown: 0, repeatedRefused: 0, conflicts: 0, odd: null };
  readonly #urls: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #running: readonly Promise<void>[];
  #stopping = false;

  /** `clientsPerCounter` race for each of them. */
  constructor(urls: readonly string[], counters: readonly Omit<Counter, "acknowledged">[], clientsPerCounter: number) {
    this.#urls = urls;
    this.counters = counters.map((counter) => ({ ...counter, acknowledged: 0 }));
    this.#running = this.counters.flatMap((counter) =>
      Array.from({ length: clientsPerCounter }, () => this.#count(counter)),
    );
  }

  /** Resolves when every operation that was begun has been answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
    this.#agent.destroy();
  }

  async #count(counter: Counter): Promise<void> {
    while (!this.#stopping) if (await this.#increment(counter)) counter.acknowledged += 1;
  }

  async #increment({ kind, key }: Counter): Promise<boolean> {
    switch (kind) {
      case "put":
        return isPut(await this.#settle({ method: "PUT", path: `/key/${key}`, body: randomUUID(), headers: {} }));
      case "transaction": {
        // Two keys, so that half a transaction would show as well.
        const put = (name: string) => ({ put: { key: name, value: randomUUID() } });
        const body = JSON.stringify({ if: [], then: [put(key), put(twinOf(key))] });
        const headers = { "content-type": "application/json" };
        const answer = await this.#settle({ method: "POST", path: "/txn", body, headers });
        if (answer.status !== 200) this.#noteOdd(answer);
        return answer.status === 200;
      }
      case "compareAndSet": {
        const found = await this.#read(key);
        const value = found.status === 404 ? 0 : Number(found.body);
        const headers: Record<string, string> =
          found.status === 404 ? { "if-none-match": "*" } : { "if-match": found.headers.etag ?? "" };
        return isPut(await this.#settle({ method: "PUT", path: `/key/${key}`, body: `${value + 1}`, headers }));
      }
    }
  }

  /** Sends it, as often as it takes, until it is known what became of it. */
  async #settle(ask: Ask): Promise<CallAnswer> {
    const idempotencyKey = randomUUID();
    for (let at = randomInt(this.#urls.length); ; at += 1) {
      this.counts.sent += 1;
      const headers = {
        ...ask.headers,
        "idempotency-key": idempotencyKey,
        "balsa-timeout": `${randomInt(timeoutMsMin, timeoutMsMax)}ms`,
      };
      const url = `${this.#urls[at % this.#urls.length]}${ask.path}`;
      const answer = await call({ ...ask, agent: this.#agent, url, headers, timeoutMs: callTimeoutMs });
      if (typeof answer === "object" && answer.status < 500) {
        if (answer.status === 412) this.counts.conflicts += 1;
        else if (answer.status >= 300) this.#noteOdd(answer);
        return answer;
      }
      const refused = answer === "refused" || (typeof answer === "object" && answer.body.includes('"not-applied"'));
      this.counts[refused ? "repeatedRefused" : "repeatedUnknown"] += 1;
      await pause(refused ? repeatPauseMs : 0);
    }
  }

  async #read(key: string): Promise<CallAnswer> {
    for (let at = randomInt(this.#urls.length); ; at += 1) {
      const url = `${this.#urls[at % this.#urls.length]}/key/${key}`;
      const answer = await call({ agent: this.#agent, method: "GET", url, timeoutMs: callTimeoutMs });
      if (typeof answer === "object" && (answer.status === 200 || answer.status === 404)) return answer;
      await pause(repeatPauseMs);
    }
  }

  #noteOdd({ status, body }: CallAnswer): void {
    this.counts.odd ??= `${status} ${body.slice(0, 200)}`;
  }
}

/** The other key that a transaction puts. */
export function twinOf(key: string): string {
  return `${key}-twin`;
}

function isPut({ status }: CallAnswer): boolean {
  return status === 204;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
