/**
 * @module
 * Comlink over a Node MessagePort, which is an endpoint as it is.
 */

import type { MessagePort } from "node:worker_threads";
import { expose, type Remote, wrap } from "comlink";

/** Lets the other end of the port call `api`. */
export function exposeOn<Api extends object>(port: MessagePort, api: Api): void {
  expose(api, port);
}

/** The api that the other end of the port exposes. Calls to an end that is gone never settle. */
export function wrapPort<Api>(port: MessagePort): Remote<Api> {
  return wrap<Api>(port);
}
