/**
 * @module
 * The bounds of the ingress actor that nobody needs to choose.
 */

import type { GatheringLimits } from "./gathering.ts";

const kibibyte = 1024;
const mebibyte = 1024 * 1024;

interface IngressDefaults {
  readonly inputsPerTurnMax: number;
  readonly tickMs: number;
  /** What is pending when the node stops may still finish for so long. */
  readonly stopGraceMs: number;
  readonly pendingBytesMax: number;
  readonly proposedBytesMax: number;
  readonly queuedMsMax: number;
  readonly slabBytesMax: number;
  readonly gathering: GatheringLimits;
  readonly leaseReads: boolean;
}

export const ingressDefaults: IngressDefaults = {
  inputsPerTurnMax: 4096,
  tickMs: 50,
  stopGraceMs: 3000,
  pendingBytesMax: 16 * mebibyte,
  proposedBytesMax: 4 * mebibyte,
  queuedMsMax: 1_000,
  slabBytesMax: 2 * mebibyte,
  gathering: {
    writersMin: 4,
    share: 0.45,
    commandsMax: 128,
    bytesMax: 128 * kibibyte,
    behindMsMax: 10,
    returnMsMax: 2,
  },
  leaseReads: false,
};
