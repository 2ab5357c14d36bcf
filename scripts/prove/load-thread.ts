/**
 * @module
 * The thread that writes and reads as fast as it is answered, and keeps the outcome of every write.
 */

import { Agent } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { call } from "./http-call.ts";
import { type FromLoad, keyOf, type LoadOptions, now, type ToLoad, valueOf } from "./load-protocol.ts";

/** Longer than a node takes to answer 504. */
const callTimeoutMs = 8_000;
const progressMs = 10;
/** After a failure, so that a dead node is not asked in a tight loop. */
const failurePauseMs = 5;

const options = workerData as LoadOptions;
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const acked: { writer: number[]; sequence: number[]; sentAt: number[]; ackedAt: number[] } = {
  writer: [],
  sequence: [],
  sentAt: [],
  ackedAt: [],
};
const counts = { refused: 0, unknown: 0, reads: 0, readsFailed: 0 };
let stopping = false;
let newestSentAt = 0;

async function write(writer: number): Promise<void> {
  let at = writer;
  for (let sequence = 0; !stopping; sequence++) {
    const key = keyOf(options.prefix, writer, sequence);
    const sentAt = now();
    const url = `${options.urls[at % options.urls.length]}/key/${key}`;
    const answer = await call({ agent, method: "PUT", url, body: valueOf(key), timeoutMs: callTimeoutMs });
    if (typeof answer === "object" && answer.status === 204) {
      acked.writer.push(writer);
      acked.sequence.push(sequence);
      acked.sentAt.push(sentAt);
      acked.ackedAt.push(now());
      newestSentAt = Math.max(newestSentAt, sentAt);
      // Back to its own node, lest all writers gather at one that is about to fail.
      at = writer;
      if (options.writePauseMs !== undefined) await pause(options.writePauseMs);
      continue;
    }
    const certain = answer === "refused" || (typeof answer === "object" && answer.body.includes('"not-applied"'));
    counts[certain ? "refused" : "unknown"] += 1;
    at += 1;
    await pause(failurePauseMs);
  }
}

async function read(reader: number): Promise<void> {
  for (let turn = reader; !stopping; turn += options.readers) {
    const at = acked.writer.length === 0 ? 0 : turn % acked.writer.length;
    const key = keyOf(options.prefix, acked.writer[at] ?? 0, acked.sequence[at] ?? 0);
    const url = `${options.urls[reader % options.urls.length]}/key/${key}`;
    const answer = await call({ agent, method: "GET", url, timeoutMs: callTimeoutMs });
    if (typeof answer === "object" && (answer.status === 200 || answer.status === 404)) counts.reads += 1;
    else {
      counts.readsFailed += 1;
      await pause(failurePauseMs);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

function post(message: FromLoad): void {
  parentPort?.postMessage(message);
}

const progress = setInterval(() => post({ kind: "progress", newestSentAt }), progressMs);
parentPort?.on("message", (message: ToLoad) => {
  if (message.kind === "stop") stopping = true;
});
const writers = Array.from({ length: options.writers }, (_, writer) => write(writer));
const readers = Array.from({ length: options.readers }, (_, reader) => read(reader));
await Promise.all([...writers, ...readers]);
clearInterval(progress);
agent.destroy();
post({
  kind: "report",
  writer: Uint32Array.from(acked.writer),
  sequence: Uint32Array.from(acked.sequence),
  sentAt: Float64Array.from(acked.sentAt),
  ackedAt: Float64Array.from(acked.ackedAt),
  ...counts,
});
parentPort?.close();
