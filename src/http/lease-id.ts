/**
 * @module
 * Ids of leases: whole numbers that clients are given as text.
 */

import { BalsaError } from "../errors/balsa-error.ts";

const form = /^[1-9]\d{0,15}$/;

/** Throws LEASE_NOT_FOUND for what no lease can be called, BAD_REQUEST for nothing at all. */
export function parseLeaseId(text: string): number {
  if (text === "") throw new BalsaError("BAD_REQUEST", "the id of the lease is empty");
  const leaseId = form.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(leaseId)) return leaseId;
  throw new BalsaError("LEASE_NOT_FOUND", `there is no lease ${JSON.stringify(text.slice(0, 64))}`);
}
