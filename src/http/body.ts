/**
 * @module
 * Request bodies, read within a bound.
 */

import type { IncomingMessage } from "node:http";
import { BalsaError } from "../errors/balsa-error.ts";
import type { ErrorCode } from "../errors/codes.ts";
import type { ByteBudget } from "./byte-budget.ts";

/** After a refusal so much of a body is read and thrown away, so that the client reads the answer. */
const drainBytesMax = 16 * 1024 * 1024;

/** Does the request announce more than `bytesMax`? */
export function announcesMore(request: IncomingMessage, bytesMax: number): boolean {
  return Number(request.headers["content-length"] ?? 0) > bytesMax;
}

/** Throws a body that was refused away, so that the client reads the answer; within a bound. */
export function drain(request: IncomingMessage): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > drainBytesMax) request.destroy();
  });
}

/**
 * Reads the body and hands it to `onBody`, with what gives its bytes back to the budget; tells `onRefused` why not as soon as the body is known to be too
 * large, and when all bodies together are. Neither is called when the client goes away.
 *
 * The body belongs to the caller: no buffer of the socket is behind it. It counts until the caller lets go of it, since
 * thousands of whole bodies may arrive in one round of the event loop, before the first of them is looked at.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  budget: ByteBudget,
  onBody: (body: Uint8Array, release: () => void) => void,
  onRefused: (code: ErrorCode, detail: string) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let held = 0;
  let refused = false;
  let handedOn = false;
  const release = (): void => {
    budget.give(held);
    held = 0;
  };
  const refuse = (code: ErrorCode, detail: string): void => {
    refused = true;
    chunks.length = 0;
    release();
    onRefused(code, detail);
  };
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (refused) {
      if (bytes > drainBytesMax) request.destroy();
    } else if (bytes > bytesMax) {
      refuse("VALUE_TOO_LARGE", tooLargeDetail(bytesMax));
    } else if (!budget.take(chunk.length)) {
      refuse("OVERLOADED", "too many bytes of bodies wait at this node");
    } else {
      held += chunk.length;
      chunks.push(chunk);
    }
  });
  request.on("end", () => {
    if (refused) return;
    handedOn = true;
    onBody(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, bytes), release);
  });
  request.on("close", () => {
    if (!handedOn) release();
  });
}

export function tooLarge(bytesMax: number): BalsaError {
  return new BalsaError("VALUE_TOO_LARGE", tooLargeDetail(bytesMax));
}

function tooLargeDetail(bytesMax: number): string {
  return `the body is larger than ${bytesMax} bytes`;
}
