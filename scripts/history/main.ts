/**
 * @module
 * `npm run check-history -- FILE…`: whether recorded histories are linearizable. Exit code 0 when all are, 1 when one
 * is not, 2 when one is undecided or cannot be read.
 */

import { pathToFileURL } from "node:url";
import { explain } from "./explain.ts";
import { checkHistoryFile } from "./history-file.ts";

/** Gives the exit code. */
export function checkHistories(paths: readonly string[]): 0 | 1 | 2 {
  if (paths.length === 0) {
    process.stderr.write("usage: npm run check-history -- FILE…\n");
    return 2;
  }
  const codes = paths.map(checkOne);
  if (codes.includes(1)) return 1;
  return codes.includes(2) ? 2 : 0;
}

function checkOne(path: string): 0 | 1 | 2 {
  try {
    const startedAt = performance.now();
    const report = checkHistoryFile(path);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(2);
    process.stdout.write(`${path} (${seconds} s)\n  ${explain(report)}`);
    if (report.expected !== null && report.expected !== report.verdict) {
      process.stdout.write(`  its publisher says: ${report.expected}\n`);
    }
    if (report.verdict === "undecided") return 2;
    return report.verdict === "linearizable" ? 0 : 1;
  } catch (cause) {
    process.stderr.write(`${path}: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    return 2;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = checkHistories(process.argv.slice(2));
}
