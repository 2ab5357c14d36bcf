/**
 * @module
 * `npm run conformance -- DIR`: holds the code against the cases below a folder.
 */

import { forms } from "./forms.ts";
import { runFolder, summaryOf } from "./run-folder.ts";

function main(folder: string | undefined): number {
  if (folder === undefined) {
    process.stderr.write("usage: npm run conformance -- DIR\n");
    return 1;
  }
  try {
    const outcome = runFolder(folder, forms);
    for (const line of [...outcome.lines, summaryOf(outcome)]) process.stdout.write(`${line}\n`);
    return outcome.failed > 0 ? 1 : 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = main(process.argv[2]);
