/**
 * @module
 * Clients that read and write a few keys on random nodes as fast as they are answered, and record what became of each
 * operation: the history that the checker is given.
 */

import { Agent } from "node:http";
import { errorOf } from "../../src/client/answer.ts";
import { type Answer, ExchangeError, exchange } from "../../src/client/exchange.ts";
import type { Recorded } from "../history/json-lines.ts";
import type { Value } from "../history/operation.ts";

export interface ClientsOptions {
  readonly nodes: readonly { readonly id: string; readonly url: string }[];
  /** Each has one key at a time. */
  readonly lanes: number;
  readonly clientsPerLane: number;
  readonly prefix: string;
}

/** A key is left for the next one after so many operations, or so many of unknown outcome: both cost the checker. */
const operationsPerKey = 200;
const unknownPerKey = 24;

/** The node gives up first, and says so. */
const nodeTimeoutMs = 1_000;
const callTimeoutMs = 1_500;
/** So long a node that did not answer is asked less. */
const avoidMs = 2_000;
const failurePauseMs = 50;

interface Lane {
  readonly name: string;
  keys: number;
  operations: number;
  unknown: number;
}

/** What a client has read last, and the ETag that it came with. */
interface Seen {
  readonly key: string;
  readonly value: Value;
  readonly etag: string | null;
}

interface Ask {
  readonly key: string;
  readonly do: "get" | "put" | "delete" | "compareAndSet";
  readonly value?: string;
  readonly expected?: Value;
  readonly headers?: Readonly<Record<string, string>>;
}

type Ended = Pick<Recorded, "outcome" | "value" | "answer" | "revision" | "modRevision">;

const methods = { get: "GET", put: "PUT", delete: "DELETE", compareAndSet: "PUT" } as const;

export class HistoryClients {
  readonly recorded: Recorded[] = [];
  readonly #options: ClientsOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #avoidUntil = new Map<string, number>();
  readonly #running: Promise<void>;
  #stopping = false;
  #values = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    const clients = Array.from({ length: options.lanes }, (_, at) => {
      const lane: Lane = { name: `${options.prefix}-${at}`, keys: 0, operations: 0, unknown: 0 };
      return Array.from({ length: options.clientsPerLane }, (_none, client) => this.#run(`c${at}.${client}`, lane));
    });
    this.#running = Promise.all(clients.flat()).then(() => undefined);
    this.#running.catch(() => undefined);
  }

  /** Resolves when everything that was under way has ended. Rejects when a node has answered what no client expects. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** One more read of every key, on random nodes; for the end, when all is well again. */
  async readAll(): Promise<void> {
    const keys = new Set(this.recorded.map(({ key }) => key));
    for (const key of keys) await this.#perform("last", { key, do: "get" });
    this.#agent.destroy();
  }

  async #run(process: string, lane: Lane): Promise<void> {
    let seen: Seen | null = null;
    while (!this.#stopping) {
      const ask = this.#nextAsk(lane, seen);
      const { ended, etag } = await this.#perform(process, ask);
      if (ended.outcome !== "failed") lane.operations += 1;
      if (ended.outcome === "unknown" && ask.do !== "get") lane.unknown += 1;
      if (ended.outcome === "ok" && ask.do === "get") seen = { key: ask.key, value: ended.value ?? null, etag };
      else if (ask.do === "compareAndSet") seen = null;
      if (ended.outcome !== "ok") await pause(failurePauseMs);
    }
  }

  /** Two of five read, one puts, and the others change what they have read last, if it was of this key. */
  #nextAsk(lane: Lane, seen: Seen | null): Ask {
    if (lane.operations >= operationsPerKey || lane.unknown >= unknownPerKey) {
      lane.keys += 1;
      lane.operations = 0;
      lane.unknown = 0;
    }
    const key = `${lane.name}-${lane.keys}`;
    const luck = Math.random();
    if (luck < 0.4) return { key, do: "get" };
    if (luck < 0.5) return { key, do: "delete" };
    this.#values += 1;
    const value = `v${this.#values}`;
    if (luck < 0.7 || seen?.key !== key) return { key, do: "put", value };
    const headers = seen.etag === null ? { "if-none-match": "*" } : { "if-match": seen.etag };
    return { key, do: "compareAndSet", value, expected: seen.value, headers };
  }

  async #perform(process: string, ask: Ask): Promise<{ readonly ended: Ended; readonly etag: string | null }> {
    const node = this.#pickNode();
    const url = new URL(node.url);
    const from = performance.now();
    let ended: Ended;
    let etag: string | null = null;
    try {
      const answer = await exchange(this.#agent, {
        method: methods[ask.do],
        host: url.hostname,
        port: Number(url.port),
        path: `/key/${ask.key}`,
        headers: { ...ask.headers, "balsa-timeout": `${nodeTimeoutMs}ms` },
        ...(ask.value === undefined ? {} : { body: Buffer.from(ask.value) }),
        timeoutMs: callTimeoutMs,
      });
      ended = endOf(ask, answer);
      etag = answer.headers.get("etag") ?? null;
    } catch (cause) {
      if (!(cause instanceof ExchangeError)) throw cause;
      ended = { outcome: cause.sent ? "unknown" : "failed" };
    }
    const to = performance.now();
    if (ended.outcome !== "ok") this.#avoidUntil.set(node.id, to + avoidMs);
    const { key, do: what, value, expected } = ask;
    this.recorded.push({
      ...{ process, node: node.id, key, do: what },
      ...(value === undefined ? {} : { value }),
      ...(expected === undefined ? {} : { expected }),
      ...{ from, to },
      ...ended,
    });
    return { ended, etag };
  }

  /** Any, but seldom one that has just not answered. */
  #pickNode(): ClientsOptions["nodes"][number] {
    const { nodes } = this.#options;
    const now = performance.now();
    const good = nodes.filter(({ id }) => (this.#avoidUntil.get(id) ?? 0) < now);
    const from = good.length === 0 || Math.random() < 0.02 ? nodes : good;
    const node = from[Math.floor(Math.random() * from.length)];
    if (node === undefined) throw new RangeError("there are no nodes to ask");
    return node;
  }
}

/** Throws for an answer that no request of these can have. */
function endOf(ask: Ask, answer: Answer): Ended {
  const revision = numberIn(answer, "balsa-revision");
  const modRevision = numberIn(answer, "etag");
  const at = { outcome: "ok", ...(revision === null ? {} : { revision }) } as const;
  if (ask.do === "get" && answer.status === 200) {
    return { ...at, value: Buffer.from(answer.body).toString(), ...(modRevision === null ? {} : { modRevision }) };
  }
  if (ask.do !== "get" && answer.status === 204) {
    if (ask.do === "delete") return { ...at, answer: answer.headers.get("balsa-deleted") === "1" };
    return { ...at, ...(ask.do === "put" ? {} : { answer: true }), ...(modRevision === null ? {} : { modRevision }) };
  }
  const { code, outcome, message } = errorOf(answer);
  if (ask.do === "get" && code === "KEY_NOT_FOUND") return { ...at, value: null };
  if (ask.do === "compareAndSet" && code === "PRECONDITION_FAILED") return { ...at, answer: false };
  if (answer.status < 500) throw new Error(`${ask.do} was answered ${answer.status} ${code}: ${message}`);
  return { outcome: outcome === "not-applied" ? "failed" : "unknown" };
}

function numberIn(answer: Answer, header: string): number | null {
  const text = answer.headers.get(header)?.replaceAll('"', "");
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
