/**
 * @module
 * A free port in the place of port 0, before it is listened on.
 */

import { createServer } from "node:net";
import type { Address } from "../address/address.ts";
import { StartError } from "../errors/balsa-error.ts";

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
