/**
 * @module
 * One request and the answer that it is owed.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorCode } from "../errors/codes.ts";
import { errorKinds } from "../errors/codes.ts";
import type { Success } from "./cluster-request.ts";
import type { Answerer } from "./desk.ts";
import type { Meter, RequestKind } from "./meter.ts";
import { problemBody, problemType } from "./problem.ts";
import type { Milestones } from "./request.ts";
import type { SlowRequests } from "./slow-requests.ts";

/** What a key's read is to be answered with, once the state may be read. */
export interface ReadAsk {
  readonly key: Uint8Array;
  readonly stale: boolean;
  readonly maxAgeMs: number;
  readonly minRevision: number;
  readonly ifNoneMatch: string | undefined;
  readonly json: boolean;
}

/** Where an answer is accounted for. */
export interface Accounts {
  readonly meter: Meter;
  readonly slow: SlowRequests;
}

/** As a string a small body leaves in one piece with its header, which saves a twentieth of the whole request. */
const smallBodyBytes = 4096;
/** Copying so little costs less than writing it in pieces. */
const piecesTogetherBytes = 64 * 1024;
/** So long the rest of a body is waited for when the request was answered before it was here. */
const restOfBodyMs = 3_000;

export const exposedFields =
  "ETag, Balsa-Revision, Balsa-Age-Ms, Balsa-Deleted, Balsa-Lease, Location, Retry-After, Allow";

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedAtMs: number;
  readonly #accounts: Accounts;
  kind: RequestKind = "other";
  /** 0 until the request waits for the node behind. */
  requestId = 0;
  /** The origin that the answer's CORS fields name; empty for none. */
  origin = "";
  /** Whether the connection ends with this answer. */
  closing = false;
  answered = false;
  /** Whether the rest of its body will never be understood. */
  brokenOff = false;
  /** Whether its body is still on its way in: nothing has been asked of the node yet. */
  receiving = false;
  /** What success is answered with, and where what was created is found. */
  success: Success = "ok";
  location = "";
  /** When its body was there; undefined while it is not, and for requests whose body nobody reads. */
  receivedAtMs: number | undefined = undefined;
  /** Set when it was handed to raft, as its outcome comes back. */
  milestones: Milestones | null = null;
  /** Who answers it once the node behind has; set when that is asked. */
  answerer: Answerer | undefined = undefined;
  /** Set for reads of a key. */
  read: ReadAsk | undefined = undefined;
  /** Gives back the room that its body takes; set when that is here. More than one call changes nothing. */
  releaseBody: (() => void) | undefined = undefined;
  /** Called once, when the answer is handed to node:http. */
  onAnswered: ((exchange: Exchange) => void) | undefined = undefined;

  constructor(request: IncomingMessage, response: ServerResponse, startedAtMs: number, accounts: Accounts) {
    this.request = request;
    this.response = response;
    this.startedAtMs = startedAtMs;
    this.#accounts = accounts;
  }

  /** `headers` is a flat list of names and values; it is extended here. At most one answer leaves. */
  send(status: number, headers: string[], body: string | Uint8Array): void {
    if (status !== 204 && status !== 304) {
      headers.push("Content-Length", String(typeof body === "string" ? Buffer.byteLength(body) : body.length));
    }
    this.sendWhole(status, headers, body);
  }

  /** As `send`, with a Content-Length that is among `headers` already. */
  sendWhole(status: number, headers: string[], body: string | Uint8Array): void {
    if (this.answered) return;
    this.begin(status, headers);
    const { request, response } = this;
    if (this.#endsAheadOfBody()) this.#endAfterBody(body);
    else if (request.method === "HEAD" || body.length === 0) response.end();
    else if (typeof body !== "string" && body.length <= smallBodyBytes) response.end(latin1Of(body), "latin1");
    else response.end(body);
    this.#settle(status);
  }

  /** As `send`, of a body that lies in pieces: a large one leaves as it lies, and is never copied together. */
  sendPieces(status: number, headers: string[], pieces: readonly Buffer[]): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (bytes <= piecesTogetherBytes || this.request.method === "HEAD" || this.#endsAheadOfBody())
      return this.send(status, headers, Buffer.concat(pieces));
    if (this.answered) return;
    headers.push("Content-Length", String(bytes));
    this.begin(status, headers);
    for (const piece of pieces) this.response.write(piece);
    this.finish();
  }

  /**
   * Sends the head of an answer that nobody knows the length of yet; no other answer leaves from now on. What follows is
   * written to `response`, and `finish` or `cut` ends it. `headers` is extended.
   */
  begin(status: number, headers: string[]): void {
    this.answered = true;
    if (this.origin !== "") {
      headers.push("Access-Control-Allow-Origin", this.origin, "Vary", "Origin");
      headers.push("Access-Control-Expose-Headers", exposedFields);
    }
    if (this.closing) headers.push("Connection", "close");
    this.response.writeHead(status, headers);
  }

  /**
   * Answers 200 with a body that comes as things happen: the caller's to write and to end. The connection ends with it,
   * and the request is open until then. Null when there is nobody to answer, or nothing but the header to send.
   */
  stream(headers: string[]): ServerResponse | null {
    if (this.answered) return null;
    this.closing = true;
    const { response } = this;
    response.once("close", () => this.onAnswered?.(this));
    this.begin(200, headers);
    this.#account(200);
    if (this.request.method !== "HEAD") return response;
    response.end();
    return null;
  }

  /** The answer that was begun is whole. */
  finish(): void {
    this.response.end();
    this.#settle(this.response.statusCode);
  }

  /** The answer that was begun cannot be made whole: the connection ends in a way that shows it. */
  cut(): void {
    const { socket } = this.request;
    if (!socket.destroyed) socket.resetAndDestroy();
    this.#settle(this.response.statusCode);
  }

  #settle(status: number): void {
    this.#account(status);
    if (this.onAnswered !== undefined) this.onAnswered(this);
  }

  #account(status: number): void {
    const method = this.request.method ?? "";
    const { meter, slow } = this.#accounts;
    const nowMs = performance.now();
    const tookMs = nowMs - this.startedAtMs;
    meter.count(method, status);
    meter.record(this.kind, tookMs);
    if (tookMs >= slow.thresholdMs) slow.onAnswered(this, status, nowMs);
    if (this.releaseBody !== undefined) this.releaseBody();
  }

  /** Whether the connection ends with this answer while the client is still sending. */
  #endsAheadOfBody(): boolean {
    const { request, response, brokenOff, closing } = this;
    if (request.complete || brokenOff || (response.shouldKeepAlive && !closing)) return false;
    return Number(request.headers["content-length"] ?? 0) > 0 || request.headers["transfer-encoding"] !== undefined;
  }

  /**
   * Says the answer now and closes once the rest of the body has been read, or after a while: a socket that is closed
   * with bytes unread resets the connection, and the client loses the answer with it (RFC 9112, section 9.6).
   */
  #endAfterBody(body: string | Uint8Array): void {
    const { request, response } = this;
    if (request.method === "HEAD" || body.length === 0) response.flushHeaders();
    else response.write(body);
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, restOfBodyMs).unref();
    request.once("close", end).resume();
  }

  json(status: number, body: object, headers: string[] = []): void {
    headers.push("Content-Type", "application/json");
    this.send(status, headers, JSON.stringify(body));
  }

  /** Success without data of a key, as the request wants it answered. */
  succeed(body: object, created: boolean): void {
    if (this.success === "noContent") return this.send(204, [], "");
    if (this.success === "ok" || !created) return this.json(200, body);
    this.send(201, ["Content-Type", "application/json", "Location", this.location], JSON.stringify(body));
  }

  refuse(code: ErrorCode, detail: string, headers: string[] = []): void {
    headers.push("Content-Type", problemType);
    if (code === "OVERLOADED") headers.push("Retry-After", "1");
    this.send(errorKinds[code].status, headers, problemBody(code, detail));
  }
}

/** A character a byte, so that written as Latin-1 it is the same bytes again. */
function latin1Of(bytes: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);
}
