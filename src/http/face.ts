/**
 * @module
 * From a request to those who answer its kind.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import type { Backend } from "./backend.ts";
import { changesCluster } from "./cluster-request.ts";
import { ClusterRequests } from "./cluster-requests.ts";
import { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { Guard } from "./guard.ts";
import { parseTimeoutMs } from "./header.ts";
import { KeyLists } from "./key-lists.ts";
import { KeyReads } from "./key-reads.ts";
import { Leases } from "./leases.ts";
import { MomentReads } from "./moment-reads.ts";
import { answerMetrics, answerReadiness } from "./observe.ts";
import type { HttpOptions } from "./options.ts";
import { createPageBudget } from "./page.ts";
import { answerPreflight, isPreflight } from "./preflight.ts";
import { parseFlag, parseQuery } from "./query.ts";
import type { Milestones, Outcome } from "./request.ts";
import { type Route, routeOf } from "./route.ts";
import { Transactions } from "./transactions.ts";
import { type WatchCounts, Watches } from "./watches.ts";
import { Writes } from "./writes.ts";

const noFields: readonly string[] = [];

export class Face {
  readonly #desk: Desk;
  readonly #guard: Guard;
  readonly #keyReads: KeyReads;
  readonly #writes: Writes;
  readonly #lists: KeyLists;
  readonly #transactions: Transactions;
  readonly #leases: Leases;
  readonly #cluster: ClusterRequests;
  readonly #watches: Watches;

  constructor(backend: Backend, options: HttpOptions) {
    this.#desk = new Desk(backend, options);
    this.#guard = new Guard(options);
    const moments = new MomentReads(this.#desk);
    const pages = createPageBudget();
    this.#keyReads = new KeyReads(this.#desk, moments);
    this.#writes = new Writes(this.#desk);
    this.#lists = new KeyLists(this.#desk, moments, pages);
    this.#transactions = new Transactions(this.#desk, moments);
    this.#leases = new Leases(this.#desk, moments, pages);
    this.#cluster = new ClusterRequests(this.#desk);
    this.#watches = new Watches(this.#desk);
  }

  /** Requests that wait for the node behind. */
  get waiting(): number {
    return this.#desk.waiting;
  }

  get watches(): WatchCounts {
    return this.#watches.counts;
  }

  /** From now on requests about data and members are refused, connections end with their answers, and watches end. */
  stop(): void {
    this.#desk.stop();
    this.#watches.stop();
  }

  /** Whether anybody wants to hear of every change. */
  get isWatched(): boolean {
    return this.#watches.isWatched;
  }

  /** The state may have moved on: whoever watches it is to see. Costs nothing when it has not. */
  wake(): void {
    this.#watches.wake();
  }

  /** Answers the request, at once or later; never throws. */
  onRequest(exchange: Exchange): void {
    exchange.closing ||= this.#desk.stopping;
    try {
      exchange.origin = this.#guard.admit(exchange.request);
      this.#dispatch(exchange);
    } catch (error) {
      this.#desk.fail(exchange, error);
    }
  }

  /** Hands a waiting request its answer; nothing when its client is gone. */
  answer(requestId: number, outcome: Outcome, milestones: Milestones | null): void {
    this.#desk.answer(requestId, outcome, milestones);
  }

  /** The client is gone, or has been answered otherwise. */
  abandon(exchange: Exchange): void {
    this.#desk.abandon(exchange);
  }

  #dispatch(exchange: Exchange): void {
    const { request } = exchange;
    const url = request.url ?? "";
    const method = request.method ?? "";
    if (request.httpVersionMajor !== 1)
      throw new BalsaError("BAD_REQUEST", "only HTTP/1.0 and HTTP/1.1 are spoken here");
    if (url.charCodeAt(0) !== 0x2f) throw new BalsaError("BAD_REQUEST", "the request target is not a path");
    if (isPreflight(request)) return answerPreflight(exchange);
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    if (path.includes("#")) throw new BalsaError("BAD_REQUEST", "a # in a path is written %23");
    const query = mark < 0 ? "" : url.slice(mark + 1);
    const route = routeOf(path);
    if (route === undefined) throw new BalsaError("ROUTE_NOT_FOUND", "there is nothing at this path");
    if (!route.methods.includes(method)) {
      const allowed = route.methods.join(", ");
      return exchange.refuse("METHOD_NOT_ALLOWED", `this path takes ${allowed}`, ["Allow", allowed]);
    }
    if (route.name !== "key") this.#onOther(exchange, route, method, query);
    else if (method === "GET" || method === "HEAD") this.#keyReads.onRequest(exchange, path, query);
    else this.#writes.onKey(exchange, method === "PUT" ? "PUT" : "DELETE", path, query);
  }

  #onOther(exchange: Exchange, route: Route, method: string, queryText: string): void {
    const { id } = route;
    switch (route.name) {
      case "pairs":
        return this.#writes.onPairs(exchange, queryText);
      case "keys":
        if (method === "DELETE") return this.#writes.onDeleteRange(exchange, queryText);
        return this.#lists.onRequest(exchange, queryText);
      case "txn":
        return this.#transactions.onRequest(exchange, queryText);
      case "compact":
        return this.#writes.onCompact(exchange, queryText);
      case "leases":
        if (method === "POST") return this.#leases.onGrant(exchange, queryText);
        return this.#leases.onList(exchange, queryText);
      case "lease":
        if (method === "DELETE") return this.#leases.onRevoke(exchange, id, queryText);
        return this.#leases.onGet(exchange, id, queryText);
      case "keepAlive":
        return this.#leases.onKeepAlive(exchange, id, queryText);
      case "watch":
        return this.#watches.onRequest(exchange, queryText);
      default:
        return this.#onNodeOrMembers(exchange, route, method, queryText);
    }
  }

  #onNodeOrMembers(exchange: Exchange, route: Route, method: string, queryText: string): void {
    const { backend, options, stopping } = this.#desk;
    if (route.name === "readyz") {
      exchange.kind = "observe";
      const verbose = parseFlag(parseQuery(queryText, ["verbose"]), "verbose");
      return answerReadiness(exchange, backend.readiness(), stopping, verbose);
    }
    parseQuery(queryText, noFields);
    if (changesCluster(route, method)) return this.#cluster.onChange(exchange, route);
    if (route.name === "members") return this.#cluster.onMembers(exchange);
    exchange.kind = "observe";
    parseTimeoutMs(exchange.request.headers, options.defaultTimeoutMs);
    if (route.name === "status") exchange.json(200, backend.status());
    else if (route.name === "metrics") answerMetrics(exchange, backend);
    else exchange.json(200, { live: true });
  }
}
