/**
 * @module
 * Hosts that mean every address of a machine: something to listen on, nothing that others could be told.
 */

import type { Address } from "./address.ts";

/** `host` is without brackets. */
export function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}

/** Where this machine itself reaches what listens there. */
export function reachableHere({ host, port }: Address): Address {
  if (!isUnspecified(host)) return { host, port };
  return { host: host.includes(":") ? "::1" : "127.0.0.1", port };
}
