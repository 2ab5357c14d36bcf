/**
 * @module
 * `balsa lease grant|keepalive|list|get|revoke`.
 */

import { setTimeout as pause } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import type { BalsaClient } from "../../client/balsa-client.ts";
import type { Lease } from "../../client/leases.ts";
import { BalsaError } from "../../errors/balsa-error.ts";
import type { LeaseCommandName } from "./data-program.ts";
import { complain, outputOf, untilInterrupted, withClient } from "./open-client.ts";
import { durationOf } from "./option.ts";
import { printDone } from "./print.ts";
import { printGranted, printKept, printLeases } from "./print-items.ts";
import { type Flags, UsageError } from "./resolve.ts";

/** Asked for so often within its TTL. */
const keepAlivesPerTtl = 4;

/** Gives the exit code: 0, or 1 when it failed. Throws a UsageError for wrong usage. */
export async function runLeaseCommand(name: LeaseCommandName, given: string, flags: Flags): Promise<number> {
  const output = outputOf(flags);
  return await withClient(flags, name === "grant" || name === "revoke", async (client) => {
    switch (name) {
      case "grant":
        printGranted(output, await client.leases.grant(ttlOf(given)));
        return 0;
      case "keepalive":
        return await keepAlive(client, given, flags);
      case "list": {
        const leases: Lease[] = [];
        for await (const lease of client.leases.list()) leases.push(lease);
        printLeases(output, leases);
        return 0;
      }
      case "get":
        printLeases(output, [await client.leases.get(given)]);
        return 0;
      case "revoke":
        await client.leases.revoke(given);
        printDone(output, { id: given });
        return 0;
    }
  });
}

/** Until Ctrl-C. A cluster that does not answer may still do so before the lease ends. */
async function keepAlive(client: BalsaClient, id: string, flags: Flags): Promise<number> {
  const output = outputOf(flags);
  const signal = untilInterrupted();
  let { ttlMs } = await client.leases.keepAlive(id, { signal });
  let keptAtMs = performance.now();
  printKept(output, { id, ttlMs });
  if (flags["once"] === true) return 0;
  for (;;) {
    await pause(ttlMs / keepAlivesPerTtl, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return 0;
    const askedAtMs = performance.now();
    try {
      ({ ttlMs } = await client.leases.keepAlive(id, { signal }));
      keptAtMs = askedAtMs;
      printKept(output, { id, ttlMs });
    } catch (cause) {
      if (signal.aborted) return 0;
      const mayPass = cause instanceof BalsaError && cause.code !== "LEASE_NOT_FOUND";
      if (!mayPass || performance.now() - keptAtMs >= ttlMs) throw cause;
      complain(cause, false);
    }
  }
}

function ttlOf(text: string): number {
  try {
    return durationOf(text);
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw new UsageError(`${JSON.stringify(text)}: ${cause.message}`);
    throw cause;
  }
}
