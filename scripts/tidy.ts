/**
 * @module
 * The tidy check of `npm run check`: what neither compiler, formatter nor linter looks at. Prints `file:line: why`,
 * exits 1 when there is anything to print.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { layerBreaches } from "./tidy-layers.ts";

const linesMax = 400;
const functionLinesMax = 70;
const folders = ["src", "workers", "scripts", "test"];
const documents = ["README.md", "DESIGN.md", "CHANGELOG.md", "scripts/deploy/README.md"];

export interface Complaint {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

interface Forbidden {
  readonly pattern: RegExp;
  readonly why: string;
  /** Whether comments are looked at too. */
  readonly inProse: boolean;
}

/** Written so that this file does not complain of itself. */
const forbidden: readonly Forbidden[] = [
  { pattern: /\bTO[D]O\b|\bFIX[M]E\b|\bXX[X]\b/, why: "something left for later", inProse: true },
  { pattern: /\bas[ ]any\b|:[ ]any\b|<[a]ny>/, why: "an any", inProse: false },
  { pattern: /\b(describe|it|context)\.onl[y]\(/, why: "a test that hides the others", inProse: false },
  { pattern: /@ts-ignor[e]|@ts-nochec[k]/, why: "a silenced compiler", inProse: true },
];

/** `file` is relative to the root of the repository, with `/`. */
export function complaintsOf(file: string, text: string): readonly Complaint[] {
  const lines = text.split("\n");
  const complaints: Complaint[] = [];
  const complain = (line: number, why: string): void => void complaints.push({ file, line, why });
  if (lines.length - 1 > linesMax) complain(linesMax + 1, `${lines.length - 1} lines; a file has at most ${linesMax}`);
  if (/^(src|scripts)\//.test(file) && !/^(#!.*\n)?\/\*\*\n \* @module\n/.test(text)) {
    complain(1, "no header that says what the file knows (@module)");
  }
  for (const [at, line] of lines.entries()) {
    const prose = /^\s*(\*|\/\*|\/\/)/.test(line);
    for (const { pattern, why, inProse } of forbidden) {
      if (pattern.test(line) && (inProse || !prose)) complain(at + 1, why);
    }
  }
  for (const { line, length } of longFunctions(lines)) {
    complain(line, `a function of ${length} lines; at most ${functionLinesMax}`);
  }
  for (const { line, why } of layerBreaches(file, lines)) complain(line, why);
  return complaints;
}

/** What opens a function, as Biome lays it out: a declaration, a method, an arrow, or the end of a long signature. */
const opening = /^(\s*)(?!.*\b(?:describe|it|before|after)\()(?:.*\bfunction\b.*|.*=>|[#\w].*\(.*\)[^=]*|\)[^=;]*) \{$/;
const control = /^\s*(?:\} )?(?:if|for|while|switch|else|do|try|catch|finally|class|interface|return)\b/;

/** Relies on the formatter: a function's last line is the first `}` at the indentation of its first. */
function longFunctions(lines: readonly string[]): readonly { readonly line: number; readonly length: number }[] {
  const found: { line: number; length: number }[] = [];
  for (const [at, line] of lines.entries()) {
    const indentation = opening.exec(line)?.[1];
    if (indentation === undefined || control.test(line)) continue;
    const end = lines.findIndex((other, from) => from > at && other.startsWith(`${indentation}}`));
    const length = end - at + 1;
    if (length > functionLinesMax) found.push({ line: at + 1, length });
  }
  return found;
}

/** Relative links of a document whose files are not there. */
function deadLinks(root: string, file: string): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const [at, line] of readFileSync(join(root, file), "utf8").split("\n").entries()) {
    for (const [, target = ""] of line.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target) || existsSync(join(root, dirname(file), target))) continue;
      complaints.push({ file, line: at + 1, why: `a link to ${target}, which does not exist` });
    }
  }
  return complaints;
}

function* sourcesIn(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sourcesIn(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

function tidy(root: string): number {
  const complaints: Complaint[] = [];
  for (const folder of folders) {
    for (const path of sourcesIn(join(root, folder))) {
      const file = normalize(relative(root, path)).replaceAll("\\", "/");
      complaints.push(...complaintsOf(file, readFileSync(path, "utf8")));
    }
  }
  for (const file of documents) {
    if (existsSync(join(root, file))) complaints.push(...deadLinks(root, file));
    else complaints.push({ file, line: 1, why: "does not exist" });
  }
  for (const { file, line, why } of complaints) process.stdout.write(`${file}:${line}: ${why}\n`);
  return complaints.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit(tidy(fileURLToPath(new URL("../../", import.meta.url))));
}
