/**
 * @module
 * A browser must not be a way in: what `Host` and `Origin` a request may come with.
 *
 * A page of any site can make its visitor's browser send requests to loopback addresses. A name that such a site
 * points at 127.0.0.1 gives itself away by `Host`, a request from another site by `Origin` or `Sec-Fetch-Site`.
 */

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isLoopback } from "../address/loopback.ts";
import { BalsaError } from "../errors/balsa-error.ts";

const hostForm = /^(\[[0-9a-f:.]+\]|[^:/?#@[\]\s]+)(?::\d{1,5})?$/;

export interface GuardOptions {
  /** Names, with or without a port, that a loopback address answers to besides the loopback names. */
  readonly allowedHosts: readonly string[];
  /** Origins that may call from a browser, exactly as browsers send them. */
  readonly corsOrigins: readonly string[];
}

export class Guard {
  readonly #allowedHosts: ReadonlySet<string>;
  readonly #corsOrigins: ReadonlySet<string>;
  /** The last Host that was found loopback: nearly every request repeats it. */
  #knownHost = "";

  constructor(options: GuardOptions) {
    this.#allowedHosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
    this.#corsOrigins = new Set(options.corsOrigins);
  }

  /**
   * Throws BAD_REQUEST, WRONG_HOST or FORBIDDEN. Gives the origin that the answer's CORS fields must name, empty
   * when there is none.
   */
  admit(request: IncomingMessage): string {
    this.#checkHost(request);
    const headers = request.headers;
    if (headers.origin === undefined && headers["sec-fetch-site"] === undefined) return "";
    return this.#checkOrigin(request.method ?? "", headers);
  }

  #checkHost(request: IncomingMessage): void {
    const host = request.headers.host;
    if (countHosts(request.rawHeaders) > 1) throw new BalsaError("BAD_REQUEST", "the request has two Host fields");
    if (host === this.#knownHost && host !== "") return;
    if (host === undefined || host === "") {
      if (request.httpVersionMinor === 0) return;
      throw new BalsaError("BAD_REQUEST", "the request has no Host field");
    }
    const lower = host.toLowerCase();
    const name = hostForm.exec(lower)?.[1];
    if (name === undefined) throw new BalsaError("BAD_REQUEST", "the Host field is not a name with a port");
    if (isLoopback(name.replace(/^\[(.*)\]$/, "$1"))) {
      this.#knownHost = host;
      return;
    }
    if (this.#allowedHosts.has(name) || this.#allowedHosts.has(lower)) return;
    if (!isLoopback(request.socket.localAddress ?? "")) return;
    throw new BalsaError("WRONG_HOST", `on a loopback address this node does not answer to ${lower.slice(0, 100)}`);
  }

  #checkOrigin(method: string, headers: IncomingHttpHeaders): string {
    const origin = headers.origin;
    if (origin === undefined) {
      const followsLink = method === "GET" && headers["sec-fetch-mode"] === "navigate";
      if (headers["sec-fetch-site"] !== "cross-site" || followsLink) return "";
      throw new BalsaError("FORBIDDEN", "the request comes from another site");
    }
    if (this.#corsOrigins.has(origin)) return origin;
    if (origin === `http://${headers.host}` || origin === `https://${headers.host}`) return "";
    throw new BalsaError("FORBIDDEN", "the request comes from another site; --cors-origin can name it");
  }
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 4 && (name === "Host" || name.toLowerCase() === "host")) hosts++;
  }
  return hosts;
}
