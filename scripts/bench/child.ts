/**
 * @module
 * Programs that are run to their end, and not beyond the end of this one.
 */

import { spawn } from "node:child_process";

/** Of what a program that failed said, so much is told. */
const toldLength = 2_000;

/**
 * Gives its standard output. The program has a process group of its own, which is killed when this process ends first:
 * a terminal's Ctrl-C would reach the program, but not every signal comes from a terminal.
 */
export function run(program: string, args: readonly string[], directory?: string): Promise<string> {
  const child = spawn(program, args, { cwd: directory, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  // Before those that remove the directories which the program writes to.
  process.prependListener("exit", kill);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  return new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(output.stdout);
      const said = `${output.stdout}${output.stderr}`.trim().slice(-toldLength);
      reject(new Error(`${[program, ...args].join(" ")} ended with ${signal ?? code}: ${said}`));
    });
  }).finally(() => process.off("exit", kill));
}
