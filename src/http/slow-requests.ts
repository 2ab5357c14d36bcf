/**
 * @module
 * Requests that took too long: one line each, with where the time went, and never so many that the lines are a burden of
 * their own.
 */

import type { Exchange } from "./exchange.ts";

export type SlowRequestFields = Readonly<Record<string, string | number>>;

/** Lines a second; the rest is counted. */
const linesMax = 10;
const windowMs = 1_000;
/** Of a request's target, in characters. */
const targetMax = 200;

export class SlowRequests {
  /** Compared with by every request, so a plain number; above all times when nothing is to be logged. */
  readonly thresholdMs: number;
  readonly #say: (message: string, fields: SlowRequestFields) => void;
  #windowFromMs = 0;
  #lines = 0;
  #leftOut = 0;

  /** 0 logs none. */
  constructor(thresholdMs: number, say: (message: string, fields: SlowRequestFields) => void) {
    this.thresholdMs = thresholdMs === 0 ? Number.POSITIVE_INFINITY : thresholdMs;
    this.#say = say;
  }

  /** Called only for one that took at least `thresholdMs`. */
  onAnswered(exchange: Exchange, status: number, nowMs: number): void {
    if (!this.#admit(nowMs)) return;
    const { method, target, client } = partsOf(exchange);
    const fields = { method, target, client, status, ...stagesOf(exchange, nowMs) };
    this.#say(`${method} ${target} was answered ${status} after ${fields.totalMs} ms`, fields);
  }

  /** The client went away before its answer; nothing when it had not waited for long. */
  onAbandoned(exchange: Exchange, nowMs: number): void {
    const waitedMs = nowMs - exchange.startedAtMs;
    if (waitedMs < this.thresholdMs || exchange.response.headersSent || !this.#admit(nowMs)) return;
    const { method, target, client } = partsOf(exchange);
    const fields = { method, target, client, ...stagesOf(exchange, nowMs) };
    this.#say(`${method} ${target} was given up by its client after ${fields.totalMs} ms`, fields);
  }

  /** Called about once a second: says how many were left out, even when no other follows. */
  sweep(nowMs: number): void {
    if (nowMs - this.#windowFromMs >= windowMs) this.#closeWindow();
  }

  #admit(nowMs: number): boolean {
    if (nowMs - this.#windowFromMs >= windowMs) {
      this.#closeWindow();
      this.#windowFromMs = nowMs;
    }
    if (this.#lines >= linesMax) {
      this.#leftOut += 1;
      return false;
    }
    this.#lines += 1;
    return true;
  }

  #closeWindow(): void {
    const leftOut = this.#leftOut;
    this.#lines = 0;
    this.#leftOut = 0;
    if (leftOut > 0) this.#say(`${leftOut} more requests took over ${this.thresholdMs} ms`, { leftOut });
  }
}

function partsOf({ request }: Exchange): { readonly method: string; readonly target: string; readonly client: string } {
  const { method = "", url = "", socket } = request;
  const target = url.length > targetMax ? `${url.slice(0, targetMax)}…` : url;
  return { method, target, client: socket.remoteAddress ?? "" };
}

/** Whole milliseconds. A stage that the request did not reach is not there; the last one ends now. */
function stagesOf(exchange: Exchange, nowMs: number): { readonly totalMs: number } & SlowRequestFields {
  const { startedAtMs, receivedAtMs = startedAtMs, requestId, milestones } = exchange;
  const between = (fromMs: number, toMs: number): number => Math.max(0, Math.round(toMs - fromMs));
  const totalMs = between(startedAtMs, nowMs);
  if (requestId === 0) return { totalMs };
  const receiveMs = between(startedAtMs, receivedAtMs);
  if (milestones === null) return { totalMs, receiveMs, queueMs: between(receivedAtMs, nowMs) };
  const { askedAtMs, decidedAtMs } = milestones;
  // What was decided before raft answered, by a result or a deadline, spent all of it there.
  const takenAtMs = milestones.takenAtMs === 0 ? decidedAtMs : milestones.takenAtMs;
  return {
    totalMs,
    receiveMs,
    queueMs: between(receivedAtMs, askedAtMs),
    raftMs: between(askedAtMs, takenAtMs),
    applyMs: between(takenAtMs, decidedAtMs),
    answerMs: between(decidedAtMs, nowMs),
  };
}
