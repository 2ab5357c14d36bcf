/**
 * @module
 * `npm run bench`: how fast three nodes are, beside yardsticks or against another build of them.
 */

import { benchAgainst } from "./against.ts";
import { benchBeside } from "./beside.ts";
import { type AgainstOptions, parseOptions, usage } from "./options.ts";

/** Gives the exit code: 1 when less was measured than was asked for, 2 when the command line is wrong. */
async function bench(args: readonly string[]): Promise<number> {
  let options: AgainstOptions | null;
  try {
    options = parseOptions(args);
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`);
    return 2;
  }
  if (options !== null) return (await benchAgainst(options)) ? 0 : 1;
  await benchBeside();
  return 0;
}

process.exitCode = await bench(process.argv.slice(2));
