/**
 * @module
 * The bounds of the ingress actor that nobody needs to choose.
 */

const mebibyte = 1024 * 1024;

interface IngressDefaults {
  readonly inputsPerTurnMax: number;
  readonly tickMs: number;
  /** What is pending when the node stops may still finish for so long. */
  readonly stopGraceMs: number;
  readonly pendingBytesMax: number;
  readonly slabBytesMax: number;
  readonly leaseReads: boolean;
}

export const ingressDefaults: IngressDefaults = {
  inputsPerTurnMax: 4096,
  tickMs: 50,
  stopGraceMs: 3000,
  pendingBytesMax: 32 * mebibyte,
  slabBytesMax: 2 * mebibyte,
  leaseReads: false,
};
