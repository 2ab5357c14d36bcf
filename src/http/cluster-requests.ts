/**
 * @module
 * Requests about members: who there is, and changes.
 */

import { parseClusterRequest } from "./cluster-request.ts";
import type { Answerer, Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { parseTimeoutMs } from "./header.ts";
import { refuseIdempotencyKey } from "./idempotency.ts";
import type { Outcome } from "./request.ts";
import type { Route } from "./route.ts";

export class ClusterRequests implements Answerer {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  onMembers(exchange: Exchange): void {
    exchange.kind = "cluster";
    const timeoutMs = parseTimeoutMs(exchange.request.headers, this.#desk.options.defaultTimeoutMs);
    this.#desk.submit(exchange, this, { kind: "members" }, timeoutMs);
  }

  /** Who says how long to wait waits so long for anything; otherwise a member out of reach is told of sooner. */
  onChange(exchange: Exchange, route: Route): void {
    exchange.kind = "cluster";
    const { headers, method = "" } = exchange.request;
    refuseIdempotencyKey(exchange.request);
    const { defaultTimeoutMs, membershipTimeoutMs, bodyBytesMax } = this.#desk.options;
    const timeoutMs = parseTimeoutMs(headers, route.name === "transfer" ? defaultTimeoutMs : membershipTimeoutMs);
    const reachMsMax = headers["balsa-timeout"] === undefined ? defaultTimeoutMs : timeoutMs;
    this.#desk.receive(exchange, bodyBytesMax, (body) => {
      const { request, success, location } = parseClusterRequest(route, method, body, reachMsMax);
      exchange.success = success;
      exchange.location = location;
      this.#desk.submit(exchange, this, request, timeoutMs);
    });
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "done") exchange.succeed(outcome.body, outcome.created);
  }
}
