/**
 * @module
 * Load on real nodes from another thread, and the check that nothing acknowledged is missing afterwards.
 */

import { Worker } from "node:worker_threads";
import type { StagedNode } from "../stage.ts";
import { until } from "../stage.ts";
import type { FromLoad, LoadOptions, LoadReport, ToLoad, Verdict, VerifyOptions } from "./load-protocol.ts";

export class Load {
  readonly prefix: string;
  readonly #worker: Worker;
  readonly #report: Promise<LoadReport>;
  #newestSentAt = 0;

  constructor(options: LoadOptions) {
    this.prefix = options.prefix;
    this.#worker = new Worker(new URL("./load-thread.js", import.meta.url), { workerData: options });
    this.#report = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: FromLoad) => {
        if (message.kind === "report") resolve(message);
        else this.#newestSentAt = message.newestSentAt;
      });
      this.#worker.on("error", reject);
    });
    this.#report.catch(() => undefined);
  }

  /** Resolves when a write that was sent after `time` has been acknowledged; false when none is within `withinMs`. */
  async writesAfter(time: number, withinMs: number): Promise<boolean> {
    return (await until(withinMs, async () => (this.#newestSentAt > time ? true : undefined))) ?? false;
  }

  /** Lets what is under way be answered, then tells everything. */
  async stop(): Promise<LoadReport> {
    const stop: ToLoad = { kind: "stop" };
    this.#worker.postMessage(stop);
    return await this.#report;
  }

  /** Ends the thread whatever it does. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/**
 * Reads every acknowledged key on each node by itself (`level=stale`), once all have applied what any has.
 * Throws when they do not within 30 s.
 */
export async function verifyOn(nodes: readonly StagedNode[], prefix: string, report: LoadReport): Promise<Verdict[]> {
  const equal = await until(30_000, async () => {
    const views = await Promise.all(nodes.map((node) => node.status()));
    const applied = new Set(views.map((view) => view?.appliedIndex ?? -1));
    const settled =
      applied.size === 1 && views.every((view) => view !== null && view.appliedIndex === view.commitIndex);
    return settled ? true : undefined;
  });
  if (equal === undefined) throw new Error("the nodes have not applied the same within 30 s after the load");
  const { writer, sequence } = report;
  const options: VerifyOptions = { urls: nodes.map((node) => node.url), prefix, writer, sequence };
  return await new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./verify-thread.js", import.meta.url), { workerData: options });
    worker.on("message", (verdicts: Verdict[]) => resolve(verdicts));
    worker.on("error", reject);
  });
}

/** The longest time between two acknowledgements in a row, within a span of time. */
export interface Gap {
  readonly beganAt: number;
  readonly ms: number;
}

export function longestGap({ ackedAt }: LoadReport, from: number, to: number): Gap {
  let longest: Gap = { beganAt: from, ms: 0 };
  let beganAt = from;
  for (const time of [...ackedAt.filter((acked) => acked > from && acked < to).sort(), to]) {
    if (time - beganAt > longest.ms) longest = { beganAt, ms: time - beganAt };
    beganAt = time;
  }
  return longest;
}

/** From `time` to the first acknowledgement of a write that was sent after it; Infinity when there is none. */
export function resumedAfter(time: number, { sentAt, ackedAt }: LoadReport): number {
  let first = Number.POSITIVE_INFINITY;
  for (const [at, sent] of sentAt.entries()) {
    if (sent > time) first = Math.min(first, ackedAt[at] ?? first);
  }
  return first - time;
}
