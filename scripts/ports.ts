/**
 * @module
 * Ports of loopback that are free now.
 */

import { createServer, type Server } from "node:net";

/** Below the range from which systems take the ports of outgoing connections: one of those cannot get in between. */
const portsFrom = 20_000;
const portsTo = 32_000;

/** All different. Somebody else may take one in between: then the node that wanted it says so. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count; attempt++) {
    if (attempt > 1000) throw new Error(`no ${count} free ports`);
    const port = portsFrom + Math.floor(Math.random() * (portsTo - portsFrom));
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

/** The first of `count` ports in a row that are all free. */
export async function freePortRow(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const [first = 0] = await freePorts(1);
    if (first + count > 65_535) continue;
    const row = Array.from({ length: count }, (_, at) => first + at);
    if ((await Promise.all(row.map(isFree))).every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await listen(server, port);
  } catch {
    return false; // Whatever the reason, it cannot be had.
  }
  await close(server);
  return true;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
