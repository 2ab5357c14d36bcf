/**
 * @module
 * The one connection on which this node speaks to a peer: dialled when the peer is known, again after each loss, and
 * only ever written to. What it hears is signs of life.
 */

import type { Socket } from "node:net";
import { type Address, formatAddress } from "../address/address.ts";
import type { NodeId } from "../raft/types.ts";
import { type DialOutcome, dial } from "./dial.ts";
import { encodeFrame } from "./frame.ts";
import type { LinkContext } from "./link-context.ts";
import type { LogLevel } from "./quiet-log.ts";

type LinkState =
  /** `queue` waits for the hello's answer; `abort` gives up. */
  | { readonly kind: "dialing"; readonly abort: AbortController; readonly queue: Uint8Array[]; queuedBytes: number }
  | EstablishedLink
  /** Backing off until `timer`; what is sent meanwhile is lost. */
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  /** Cut off by the fault switch while it had no connection. */
  | { readonly kind: "cut" }
  | { readonly kind: "closed" };

interface EstablishedLink {
  readonly kind: "established";
  readonly socket: Socket;
  pingedAtMs: number;
  /** The oldest moment since when nothing shows that the peer still reads. Null: nothing is awaited. */
  silentSinceMs: number | null;
  /** Bytes handed to the kernel when last looked at. */
  handedBytes: number;
}

const pingFrame: Uint8Array = encodeFrame([]);

export class PeerLink {
  readonly #peer: NodeId;
  readonly #context: LinkContext;
  #address: Address;
  #state: LinkState = { kind: "closed" };
  /** Dials that failed since the last accepted hello. */
  #failures = 0;

  constructor(peer: NodeId, address: Address, context: LinkContext) {
    this.#peer = peer;
    this.#address = address;
    this.#context = context;
    this.#dial();
  }

  get address(): Address {
    return this.#address;
  }

  get isEstablished(): boolean {
    return this.#state.kind === "established";
  }

  get queuedBytes(): number {
    if (this.#state.kind === "dialing") return this.#state.queuedBytes;
    return this.#state.kind === "established" ? this.#state.socket.writableLength : 0;
  }

  /** Would a frame be taken now? Saves the encoding for a peer that is down. */
  get isOpen(): boolean {
    return this.#state.kind === "dialing" || this.#state.kind === "established";
  }

  /**
   * Writes frames in one go, before it returns as far as the kernel takes them. False: one is lost, and those after it,
   * since there is no connection or too much waits. The bytes must not change afterwards.
   */
  send(frames: readonly Uint8Array[]): boolean {
    const socket = this.#state.kind === "established" && frames.length > 1 ? this.#state.socket : null;
    socket?.cork();
    const areTaken = frames.every((frame) => this.#sendFrame(frame));
    socket?.uncork();
    return areTaken;
  }

  #sendFrame(frame: Uint8Array): boolean {
    const state = this.#state;
    if (this.#context.isCutTo(this.#peer)) return true;
    const fits = this.queuedBytes + frame.byteLength <= this.#context.limits.queueBytesMax;
    if (!fits || (state.kind !== "established" && state.kind !== "dialing")) {
      this.#context.counters.framesDropped += 1;
      return false;
    }
    this.#context.counters.framesSent += 1;
    if (state.kind === "established") {
      state.socket.write(frame);
    } else {
      state.queue.push(frame);
      state.queuedBytes += frame.byteLength;
    }
    return true;
  }

  /** The next connection goes there; one that stands elsewhere is left for it. */
  moveTo(address: Address): void {
    if (address.host === this.#address.host && address.port === this.#address.port) return;
    this.#address = address;
    this.#leave();
    this.#failures = 0;
    this.#dial();
  }

  /** The peer is known to be up: dials at once when it was backing off. */
  redial(): void {
    if (this.#state.kind !== "waiting") return;
    this.#leave();
    this.#dial();
  }

  /** The peer may be another process now, or within reach again: dials, or asks for a sign of life. */
  retryNow(): void {
    if (this.#state.kind === "established") {
      this.#ping(this.#state, performance.now());
    } else if (this.#state.kind === "waiting" || this.#state.kind === "cut") {
      this.#leave();
      this.#dial();
    }
  }

  /**
   * Looks after an established link; called every so often. After a pause of this whole process
   * (`resumedAfterPause`) nobody is blamed for silence: timers fire before sockets are read.
   */
  tick(nowMs: number, resumedAfterPause: boolean): void {
    const state = this.#state;
    if (state.kind !== "established") return;
    const handedBytes = state.socket.bytesWritten - state.socket.writableLength;
    const draining = state.socket.writableLength > 0 && handedBytes > state.handedBytes;
    state.handedBytes = handedBytes;
    const excused = draining || resumedAfterPause || this.#context.isCut(this.#peer);
    if (excused && state.silentSinceMs !== null) state.silentSinceMs = nowMs;
    const { linkDeadMs, pingIntervalMs } = this.#context.limits;
    if (state.silentSinceMs !== null && nowMs - state.silentSinceMs >= linkDeadMs) {
      this.#onSilent(state.socket);
    } else if (nowMs - state.pingedAtMs >= pingIntervalMs) {
      this.#ping(state, nowMs);
    }
  }

  close(): void {
    this.#leave();
  }

  #dial(): void {
    if (this.#context.isCut(this.#peer)) {
      this.#state = { kind: "cut" };
      return;
    }
    const abort = new AbortController();
    this.#state = { kind: "dialing", abort, queue: [], queuedBytes: 0 };
    const hello = this.#context.helloTo(this.#peer, "messages");
    void dial(this.#address, hello, this.#context, abort.signal).then((outcome) => this.#onDialed(outcome, abort));
  }

  #onDialed(outcome: DialOutcome, abort: AbortController): void {
    const state = this.#state;
    if (state.kind !== "dialing" || state.abort !== abort) {
      if (outcome.kind === "accepted") outcome.socket.on("error", () => undefined).destroy();
      return;
    }
    if (outcome.kind === "accepted") {
      this.#establish(outcome.socket, state.queue);
      return;
    }
    this.#failures += 1;
    this.#backOff();
    this.#explain(outcome);
    this.#context.unreachable(this.#peer);
  }

  #explain(outcome: Exclude<DialOutcome, { kind: "accepted" }>): void {
    const { log, counters } = this.#context;
    const address = formatAddress(this.#address);
    if (outcome.kind === "failed") {
      counters.dialsFailed += 1;
      const message = `no connection to peer ${this.#peer} at ${address}: ${outcome.reason}`;
      log.say("info", `dial ${this.#peer}`, message, { peer: this.#peer, address });
      return;
    }
    const { code, detail } = outcome.refusal;
    counters.hellosRefused += 1;
    const message = `peer ${this.#peer} at ${address} and this node refuse each other (${code}): ${detail}`;
    log.say("warn", `refused ${this.#peer} ${code}`, message, { peer: this.#peer, address, code });
    this.#context.refusedBy(this.#peer, outcome.refusal);
  }

  #establish(socket: Socket, queue: readonly Uint8Array[]): void {
    const { log } = this.#context;
    const nowMs = performance.now();
    this.#failures = 0;
    const state: EstablishedLink = {
      kind: "established",
      socket,
      pingedAtMs: nowMs,
      silentSinceMs: null,
      handedBytes: 0,
    };
    this.#state = state;
    let reason = "it closed the connection";
    socket.on("error", (error) => {
      reason = error.message;
    });
    // A peer answers pings and says nothing else here, so what comes needs no reading to be a sign of life.
    socket.on("data", () => {
      if (!this.#context.isCutFrom(this.#peer)) state.silentSinceMs = null;
    });
    socket.once("close", () => this.#onClosed(socket, reason));
    log.forget(`dial ${this.#peer}`);
    const address = formatAddress(this.#address);
    log.say("info", `connected ${this.#peer}`, `connected to peer ${this.#peer} at ${address}`, {
      peer: this.#peer,
      address,
    });
    for (const frame of queue) socket.write(frame);
  }

  #ping(state: EstablishedLink, nowMs: number): void {
    if (this.#context.isCutTo(this.#peer)) return;
    state.pingedAtMs = nowMs;
    state.silentSinceMs ??= nowMs;
    state.socket.write(pingFrame);
  }

  #onSilent(socket: Socket): void {
    const { limits } = this.#context;
    const message = `peer ${this.#peer} has given no sign of life for ${limits.linkDeadMs} ms: its connection is given up`;
    this.#sayLost("warn", "silent", message);
    this.#backOff();
    socket.destroy();
    this.#context.unreachable(this.#peer);
  }

  #onClosed(socket: Socket, reason: string): void {
    if (this.#state.kind !== "established" || this.#state.socket !== socket) return;
    this.#backOff();
    if (this.#context.isCut(this.#peer)) return;
    this.#context.counters.disconnects += 1;
    const message = `the connection to peer ${this.#peer} ended: ${reason}`;
    this.#sayLost("info", "ended", message);
    this.#context.disconnected(this.#peer);
  }

  /** Whoever has read that a connection was lost also reads when it is back. */
  #sayLost(level: LogLevel, topic: string, message: string): void {
    const { log } = this.#context;
    if (log.say(level, `${topic} ${this.#peer}`, message, { peer: this.#peer })) log.forget(`connected ${this.#peer}`);
  }

  /** Jittered, so that the nodes of a cluster do not dial in step. */
  #backOff(): void {
    const { backoffMinMs, backoffMaxMs } = this.#context.limits;
    const fullMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#failures, 16));
    const timer = setTimeout(() => this.#dial(), fullMs * (0.5 + Math.random() / 2));
    this.#state = { kind: "waiting", timer };
  }

  /** Lets go of whatever the present state holds. */
  #leave(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    if (state.kind === "dialing") state.abort.abort();
    if (state.kind === "waiting") clearTimeout(state.timer);
    if (state.kind === "established") state.socket.destroy();
  }
}
