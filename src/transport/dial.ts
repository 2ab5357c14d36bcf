/**
 * @module
 * A connection to a peer, up to its answer to the hello.
 */

import { connect, type Socket } from "node:net";
import { type Address, formatAddress } from "../address/address.ts";
import { FrameReader } from "./frame.ts";
import { encodeHello, type Hello, incarnationRefusal, parseHelloAnswer, type Refusal } from "./hello.ts";
import type { LinkContext } from "./link-context.ts";
import { orProtocolError, PeerProtocolError } from "./protocol-error.ts";

export type DialOutcome =
  | { readonly kind: "accepted"; readonly socket: Socket }
  /** By the peer, or by this node because it met another one than it wanted. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "failed"; readonly reason: string };

/** Kernel keepalive, for paths that forget idle connections. */
const keepAliveDelayMs = 10_000;

/**
 * Dials and says hello. Always settles, within the time limits of both steps; a socket that is not given away
 * is destroyed. Aborting settles it as failed.
 */
export function dial(
  address: Address,
  hello: Hello,
  context: Pick<LinkContext, "limits" | "keeper" | "counters">,
  signal: AbortSignal,
): Promise<DialOutcome> {
  const { limits, keeper, counters } = context;
  counters.dials += 1;
  return new Promise((resolve) => {
    const socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    });
    const reader = new FrameReader(limits.helloBytesMax);
    let lastError = "it closed the connection without an answer";
    let timer = setTimeout(() => fail("no connection in time"), limits.connectTimeoutMs);

    const settle = (outcome: DialOutcome): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("data", onData).off("close", onClose);
      if (outcome.kind === "accepted") {
        socket.off("error", onError);
      } else {
        // The error listener stays: a socket that is being destroyed may still report one.
        socket.destroy();
      }
      resolve(outcome);
    };
    const fail = (reason: string): void => settle({ kind: "failed", reason });
    const onAbort = (): void => fail("given up");
    const onError = (error: Error): void => {
      lastError = error.message;
    };
    const onClose = (): void => fail(lastError);
    const onData = (chunk: Buffer): void => {
      const frames = orProtocolError("frameMalformed", () => reader.push(chunk));
      if (frames instanceof PeerProtocolError) {
        settle({ kind: "refused", refusal: { code: "wrongProtocol", detail: frames.message } });
        return;
      }
      const first = frames[0];
      if (first !== undefined) settle(judge(first, hello, socket, keeper));
    };

    socket.on("error", onError).on("close", onClose).on("data", onData);
    socket.once("connect", () => {
      clearTimeout(timer);
      timer = setTimeout(
        () => fail(`no answer to the hello from ${formatAddress(address)} in time`),
        limits.helloTimeoutMs,
      );
      socket.write(encodeHello(hello));
    });
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

function judge(frame: Uint8Array, hello: Hello, socket: Socket, keeper: LinkContext["keeper"]): DialOutcome {
  const answer = parseHelloAnswer(frame);
  if (!answer.accepted) return { kind: "refused", refusal: answer };
  if (answer.nodeId !== hello.to) {
    const detail = `${answer.nodeId} answers at the address of ${hello.to}`;
    return { kind: "refused", refusal: { code: "wrongNode", detail } };
  }
  const refusal = incarnationRefusal(answer.nodeId, answer.incarnation, keeper);
  return refusal === undefined ? { kind: "accepted", socket } : { kind: "refused", refusal };
}
