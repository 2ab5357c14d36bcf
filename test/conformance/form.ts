/**
 * @module
 * What a form of cases is: how its files are known, and how their cases are run.
 */

/** How one case went. A skipped one misses its expectation on purpose: `reason` says which. */
export type CaseResult =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly where: string; readonly reason: string }
  | { readonly kind: "failed"; readonly where: string; readonly expected: string; readonly got: string };

export interface CaseFile {
  /** As the reader may open it. */
  readonly path: string;
  readonly text: string;
}

export interface Form {
  readonly name: string;
  /** By what stands in the file, never by its name. */
  readonly recognise: (file: CaseFile) => boolean;
  readonly run: (file: CaseFile) => readonly CaseResult[];
}

export const passed: CaseResult = { kind: "passed" };

export function compared(where: string, expected: string, got: string): CaseResult {
  return expected === got ? passed : { kind: "failed", where, expected, got };
}
