/**
 * @module
 * One key that is written again and again, and read on every node: does any linearizable read go back in time?
 */

import type { StagedNode } from "../stage.ts";
import { pause } from "../stage.ts";

export interface RegisterReport {
  readonly written: number;
  readonly reads: number;
  /** Not answered with a value: an honest node that is cut off does that. */
  readonly refused: number;
  readonly stale: number;
  readonly example: string | null;
}

const key = "register";
const askMs = 1_500;
const betweenReadsMs = 20;
const betweenWritesMs = 10;

export class RegisterWatch {
  readonly #nodes: readonly StagedNode[];
  readonly #done: Promise<unknown>;
  #stopping = false;
  /** Of the newest acknowledged write. */
  #acknowledgedRevision = 0;
  #valueAt = new Map<number, string>();
  #written = 0;
  #reads = 0;
  #refused = 0;
  #stale = 0;
  #example: string | null = null;

  constructor(nodes: readonly StagedNode[]) {
    this.#nodes = nodes;
    this.#done = Promise.all([this.#write(), ...nodes.map((node) => this.#read(node))]);
  }

  async stop(): Promise<RegisterReport> {
    this.#stopping = true;
    await this.#done;
    const [written, reads, refused, stale] = [this.#written, this.#reads, this.#refused, this.#stale];
    return { written, reads, refused, stale, example: this.#example };
  }

  async #write(): Promise<void> {
    for (let attempt = 0, at = 0; !this.#stopping; attempt++) {
      const value = `value ${attempt}`;
      const node = this.#nodes[at % this.#nodes.length];
      const answer = node === undefined ? null : await ask(node, "PUT", value);
      if (answer?.status !== 204) at += 1;
      else {
        this.#valueAt.set(answer.modRevision, value);
        this.#acknowledgedRevision = Math.max(this.#acknowledgedRevision, answer.modRevision);
        this.#written += 1;
      }
      await pause(betweenWritesMs);
    }
  }

  /** A read that begins after a write was answered shows that write, or a later one. */
  async #read(node: StagedNode): Promise<void> {
    while (!this.#stopping) {
      const floor = this.#acknowledgedRevision;
      const answer = await ask(node, "GET");
      if (answer?.status !== 200) this.#refused += floor === 0 ? 0 : 1;
      else {
        this.#reads += 1;
        const known = this.#valueAt.get(answer.modRevision);
        const isOld = answer.modRevision < floor;
        if (isOld || (known !== undefined && known !== answer.body)) {
          this.#stale += 1;
          this.#example ??= `${node.id} answered ${answer.body} of ${answer.modRevision} after ${floor} was acknowledged`;
        }
      }
      await pause(betweenReadsMs);
    }
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly modRevision: number;
}

async function ask(node: StagedNode, method: "GET" | "PUT", body?: string): Promise<Answer | null> {
  try {
    const response = await fetch(`${node.url}/key/${key}`, {
      method,
      headers: { "balsa-timeout": "1s" },
      signal: AbortSignal.timeout(askMs),
      ...(body === undefined ? {} : { body }),
    });
    const modRevision = Number((response.headers.get("etag") ?? "").replaceAll('"', ""));
    return { status: response.status, body: await response.text(), modRevision };
  } catch {
    return null; // No answer: nothing is known, and nothing is claimed.
  }
}
