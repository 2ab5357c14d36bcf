/**
 * @module
 * Runs every case of every file below a folder whose form is known.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CaseResult, Form } from "./form.ts";

export interface Outcome {
  /** One line a failed or skipped case, with what was expected and what came; what was left out. */
  readonly lines: readonly string[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Longer texts are shown from the first line on that differs. */
const shownLines = 12;

/** Throws, in words for a reader, when there is nothing to run. */
export function runFolder(folder: string, forms: readonly Form[]): Outcome {
  if (!existsSync(folder)) throw new Error(`${folder} does not exist: name a folder with conformance cases`);
  const results: CaseResult[] = [];
  let unknown = 0;
  for (const path of filesBelow(folder)) {
    const file = { path, text: readFileSync(path, "utf8") };
    const form = forms.find(({ recognise }) => recognise(file));
    if (form === undefined) unknown += 1;
    else results.push(...runFile(form, file));
  }
  if (results.length === 0) {
    const names = forms.map(({ name }) => name).join(", ");
    throw new Error(`${folder} holds no file of a known form (${names})`);
  }
  const lines = results.flatMap((result) => describe(result));
  if (unknown > 0) lines.push(`${unknown} files of no known form were left out`);
  const count = (kind: CaseResult["kind"]): number => results.filter((result) => result.kind === kind).length;
  return { lines, passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

export function summaryOf({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** A form that cannot run a file that it recognised has failed it. */
function runFile(form: Form, file: { path: string; text: string }): readonly CaseResult[] {
  try {
    return form.run(file);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    return [{ kind: "failed", where: file.path, expected: `${form.name} that can be run`, got }];
  }
}

function filesBelow(folder: string): string[] {
  if (statSync(folder).isFile()) return [folder];
  const paths: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) paths.push(...filesBelow(path));
    else if (entry.isFile()) paths.push(path);
  }
  return paths;
}

function describe(result: CaseResult): string[] {
  switch (result.kind) {
    case "passed":
      return [];
    case "skipped":
      return [`skipped ${result.where}: ${result.reason}`];
    case "failed": {
      const { expected, got } = fromFirstDifference(result);
      return [`failed  ${result.where}: expected ${expected}, got ${got}`];
    }
  }
}

function fromFirstDifference({ expected, got }: { readonly expected: string; readonly got: string }): {
  expected: string;
  got: string;
} {
  const wanted = expected.split("\n");
  const given = got.split("\n");
  let first = 0;
  while (first < wanted.length && wanted[first] === given[first]) first += 1;
  const shown = (lines: readonly string[]): string => {
    const rest = lines.slice(first, first + shownLines);
    return rest.length === 0 ? "nothing more" : JSON.stringify(rest.join("\n"));
  };
  return { expected: shown(wanted), got: shown(given) };
}
