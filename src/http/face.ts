/**
 * @module
 * From a request to what it asks of the node, and from what became of it to the answer.
 */

import type { IncomingHttpHeaders } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import type { Operation } from "../kv/command.ts";
import type { Backend } from "./backend.ts";
import { announcesMore, BodyBudget, drain, readBody, tooLarge } from "./body.ts";
import { changesCluster, parseClusterRequest } from "./cluster-request.ts";
import type { Exchange, ReadAsk } from "./exchange.ts";
import { Guard } from "./guard.ts";
import {
  parseMinRevision,
  parseTimeoutMs,
  parseWriteCondition,
  refuseFields,
  refuseIdempotencyKey,
  wantsJson,
} from "./header.ts";
import { parsePairs } from "./json-body.ts";
import { decodeKey } from "./key.ts";
import { answerRead, answerWrite } from "./key-answer.ts";
import { answerMetrics, answerReadiness } from "./observe.ts";
import type { HttpOptions } from "./options.ts";
import { answerPreflight, isPreflight } from "./preflight.ts";
import { parseFlag, parseQuery, ReadQueryParser } from "./query.ts";
import type { IngressRequest, Milestones, Outcome } from "./request.ts";
import { keyPrefix, type Route, routeOf } from "./route.ts";

const noFields: readonly string[] = [];
const writeFields: readonly string[] = ["balsa-min-revision"];
const unconditionalFields: readonly string[] = ["if-match", "if-none-match", "balsa-min-revision"];
const linearizableRead: IngressRequest = { kind: "read", stale: false, minRevision: 0, redirect: false };

export class Face {
  readonly #backend: Backend;
  readonly #options: HttpOptions;
  readonly #guard: Guard;
  readonly #readQueries = new ReadQueryParser();
  readonly #bodies: BodyBudget;
  readonly #waiting = new Map<number, Exchange>();
  #lastRequestId = 0;
  #stopping = false;

  constructor(backend: Backend, options: HttpOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#guard = new Guard(options);
    this.#bodies = new BodyBudget(options.bodiesBytesMax);
  }

  /** Requests that wait for the node behind. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** From now on requests about data and members are refused, and connections end with their answers. */
  stop(): void {
    this.#stopping = true;
  }

  /** Answers the request, at once or later; never throws. */
  onRequest(exchange: Exchange): void {
    exchange.closing ||= this.#stopping;
    try {
      exchange.origin = this.#guard.admit(exchange.request);
      this.#dispatch(exchange);
    } catch (error) {
      this.#onError(exchange, error);
    }
  }

  /** Hands a waiting request its answer; nothing when its client is gone. */
  answer(requestId: number, outcome: Outcome, milestones: Milestones | null): void {
    const exchange = this.#waiting.get(requestId);
    if (exchange === undefined) return;
    this.#waiting.delete(requestId);
    exchange.milestones = milestones;
    try {
      this.#render(exchange, outcome);
    } catch (error) {
      this.#onError(exchange, error);
    }
  }

  /** The client is gone, or has been answered otherwise. */
  abandon(exchange: Exchange): void {
    exchange.answered = true;
    if (this.#waiting.delete(exchange.requestId)) this.#backend.cancel(exchange.requestId);
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
      exchange.refuse("METHOD_NOT_ALLOWED", `this path takes ${route.methods.join(", ")}`, [
        "Allow",
        route.methods.join(", "),
      ]);
      return;
    }
    if (route.name === "key" && (method === "GET" || method === "HEAD")) this.#onRead(exchange, path, query);
    else if (route.name === "key") this.#onWrite(exchange, method === "PUT" ? "PUT" : "DELETE", path, query);
    else this.#onOther(exchange, route, query);
  }

  #onRead(exchange: Exchange, path: string, queryText: string): void {
    const { stale, maxAgeMs, redirect } = this.#readQueries.parse(queryText);
    const headers = exchange.request.headers;
    if (headers["if-match"] !== undefined) refuseFields(headers, ["if-match"]);
    const minRevision = parseMinRevision(headers);
    const timeoutMs = parseTimeoutMs(headers, this.#options.defaultTimeoutMs);
    const ask: ReadAsk = {
      key: decodeKey(path, keyPrefix.length, path.length, this.#options.keyBytesMax),
      stale,
      maxAgeMs,
      minRevision,
      ifNoneMatch: headers["if-none-match"],
      json: wantsJson(headers.accept),
    };
    exchange.kind = stale ? "staleRead" : "read";
    exchange.read = ask;
    if (this.#stopping) throw new BalsaError("SHUTTING_DOWN", "this node is shutting down");
    if (stale && this.#isReadable(minRevision)) {
      this.#read(exchange, ask);
    } else {
      const plain = !stale && minRevision === 0 && !redirect;
      this.#submit(exchange, plain ? linearizableRead : { kind: "read", stale, minRevision, redirect }, timeoutMs);
    }
  }

  #isReadable(minRevision: number): boolean {
    const view = this.#backend.view();
    return view !== undefined && (minRevision === 0 || view.revision() >= minRevision);
  }

  /** Reads the state and answers. How fresh it is gets asked first, so that it is never overstated. */
  #read(exchange: Exchange, ask: ReadAsk): void {
    const view = this.#backend.view();
    if (view === undefined) throw new BalsaError("TOO_STALE", "the state of this node is not open");
    if (!ask.stale) return answerRead(exchange, ask, view.read(ask.key), -1);
    const freshAtMs = this.#backend.freshAtMs();
    const ageMs = freshAtMs === 0 ? -1 : Math.max(0, Math.ceil(this.#backend.nowMs() - freshAtMs));
    if (ask.maxAgeMs !== Number.POSITIVE_INFINITY && (ageMs < 0 || ageMs > ask.maxAgeMs)) {
      throw new BalsaError(
        "TOO_STALE",
        ageMs < 0 ? "this node has not heard a leader" : `the state is ${ageMs} ms old`,
      );
    }
    answerRead(exchange, ask, view.read(ask.key), ageMs);
  }

  #onWrite(exchange: Exchange, method: "PUT" | "DELETE", path: string, queryText: string): void {
    const { request } = exchange;
    exchange.kind = "write";
    const key = decodeKey(path, keyPrefix.length, path.length, this.#options.keyBytesMax);
    const condition = parseWriteCondition(request.headers, method);
    const ask = this.#writeAsk(request.headers, queryText, writeFields);
    if (method === "DELETE") {
      this.#submitWrite(exchange, { kind: "delete", key, condition }, ask);
      return;
    }
    this.#receive(exchange, this.#options.valueBytesMax, (value) => {
      this.#submitWrite(exchange, { kind: "put", key, value, leaseId: 0, condition }, ask);
    });
  }

  #writeAsk(headers: IncomingHttpHeaders, queryText: string, refused: readonly string[]): WriteAsk {
    refuseIdempotencyKey(headers);
    refuseFields(headers, refused);
    const redirect = queryText !== "" && parseFlag(parseQuery(queryText, ["redirect"]), "redirect");
    return { redirect, timeoutMs: parseTimeoutMs(headers, this.#options.defaultTimeoutMs) };
  }

  #submitWrite(exchange: Exchange, operation: Operation, ask: WriteAsk): void {
    this.#submit(exchange, { kind: "write", operation, redirect: ask.redirect }, ask.timeoutMs);
  }

  #onOther(exchange: Exchange, route: Route, queryText: string): void {
    const { headers } = exchange.request;
    if (route.name === "readyz") {
      exchange.kind = "observe";
      const verbose = parseFlag(parseQuery(queryText, ["verbose"]), "verbose");
      return answerReadiness(exchange, this.#backend.readiness(), this.#stopping, verbose);
    }
    if (route.name === "keys") {
      exchange.kind = "write";
      const ask = this.#writeAsk(headers, queryText, unconditionalFields);
      return this.#receive(exchange, this.#options.bodyBytesMax, (body) => {
        this.#submitWrite(exchange, { kind: "putAll", pairs: parsePairs(body, this.#options) }, ask);
      });
    }
    parseQuery(queryText, noFields);
    if (changesCluster(route, exchange.request.method ?? "")) return this.#onClusterChange(exchange, route);
    exchange.kind = route.name === "members" ? "cluster" : "observe";
    const timeoutMs = parseTimeoutMs(headers, this.#options.defaultTimeoutMs);
    if (route.name === "members") this.#submit(exchange, { kind: "members" }, timeoutMs);
    else if (route.name === "status") exchange.json(200, this.#backend.status());
    else if (route.name === "metrics") answerMetrics(exchange, this.#backend);
    else exchange.json(200, { live: true });
  }

  /** Who says how long to wait waits so long for anything; otherwise a member out of reach is told of sooner. */
  #onClusterChange(exchange: Exchange, route: Route): void {
    exchange.kind = "cluster";
    const { headers, method = "" } = exchange.request;
    refuseIdempotencyKey(headers);
    const { defaultTimeoutMs, membershipTimeoutMs, bodyBytesMax } = this.#options;
    const timeoutMs = parseTimeoutMs(headers, route.name === "transfer" ? defaultTimeoutMs : membershipTimeoutMs);
    const reachMsMax = headers["balsa-timeout"] === undefined ? defaultTimeoutMs : timeoutMs;
    this.#receive(exchange, bodyBytesMax, (body) => {
      const { request, success, location } = parseClusterRequest(route, method, body, reachMsMax);
      exchange.success = success;
      exchange.location = location;
      this.#submit(exchange, request, timeoutMs);
    });
  }

  /** Reads the body, then goes on with it. */
  #receive(exchange: Exchange, bytesMax: number, onBody: (body: Uint8Array) => void): void {
    const { request } = exchange;
    if (this.#stopping || announcesMore(request, bytesMax)) {
      if (!this.#stopping) drain(request);
      throw this.#stopping ? new BalsaError("SHUTTING_DOWN", "this node is shutting down") : tooLarge(bytesMax);
    }
    const goOn = (body: Uint8Array): void => {
      if (exchange.answered) return;
      exchange.receivedAtMs = performance.now();
      try {
        onBody(body);
      } catch (error) {
        this.#onError(exchange, error);
      }
    };
    exchange.receiving = true;
    readBody(request, bytesMax, this.#bodies, goOn, (error) => this.#onError(exchange, error));
  }

  #submit(exchange: Exchange, request: IngressRequest, timeoutMs: number): void {
    if (this.#stopping) throw new BalsaError("SHUTTING_DOWN", "this node is shutting down");
    exchange.receiving = false;
    exchange.requestId = ++this.#lastRequestId;
    this.#waiting.set(exchange.requestId, exchange);
    this.#backend.submit(exchange.requestId, request, exchange.startedAtMs + timeoutMs);
  }

  #render(exchange: Exchange, outcome: Outcome): void {
    exchange.closing ||= this.#stopping;
    switch (outcome.kind) {
      case "readable":
        if (exchange.read !== undefined) this.#read(exchange, exchange.read);
        return;
      case "applied":
        return answerWrite(exchange, outcome.revision, outcome.result);
      case "redirect":
        return exchange.send(307, ["Location", `http://${outcome.httpAddr}${exchange.request.url ?? "/"}`], "");
      case "done":
        return exchange.succeed(outcome.body, outcome.created);
      case "refused":
        return exchange.refuse(outcome.code, outcome.detail);
    }
  }

  #onError(exchange: Exchange, error: unknown): void {
    if (error instanceof BalsaError) return exchange.refuse(error.code, error.message);
    exchange.closing = true;
    exchange.refuse("INTERNAL", "the node failed; its log says why");
    this.#backend.fail(error);
  }
}

interface WriteAsk {
  readonly redirect: boolean;
  readonly timeoutMs: number;
}
