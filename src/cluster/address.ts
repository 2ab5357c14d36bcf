/**
 * @module
 * Addresses as an operator writes them: `host:port`, with brackets around an IPv6 host.
 */

import { createServer } from "node:net";
import { StartError } from "../errors/balsa-error.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Null when it is not `host:port` with a port from 0 to 65535. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || !(port <= 65_535) ? null : { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Only what certainly stays on this machine; a name other than localhost may resolve to anything. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Turns port 0 into a port that is free now, since others must be told of it before it is listened on.
 * Somebody else may take it in between: then listening fails, with an error that says so.
 */
export async function withRealPort({ host, port }: Address): Promise<Address> {
  if (port !== 0) return { host, port };
  const server = createServer();
  const taken = await new Promise<number>((resolve, reject) => {
    server.once("error", (cause) => reject(new StartError(`cannot listen on ${host}: ${cause.message}`, { cause })));
    server.listen(0, host, () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === "object" ? bound.port : 0);
    });
  });
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return { host, port: taken };
}
