/**
 * @module
 * How much of the machine's processors a process has taken.
 */

import { readFileSync } from "node:fs";

/** What /proc counts processor time in. */
const ticksPerSecond = 100;

/** Milliseconds, of all its threads since it began; in steps of 10. NaN where the system does not tell, or the process is gone. */
export function processorMs(pid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return Number.NaN;
  }
  // The name of the program, which may hold anything, ends with the last parenthesis; user and system time follow.
  const [user = "0", system = "0"] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return ((Number(user) + Number(system)) * 1_000) / ticksPerSecond;
}
