/**
 * @module
 * Runs the real binary and waits for its end.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const binary = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const endMsMax = 15_000;

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What the binary reads from stdin; nothing by default. */
  readonly stdin?: Uint8Array;
  /** Sends it SIGINT once it has printed so much. */
  readonly interruptAfterBytes?: number;
}

/** The environment is this process's without its own `BALSA_` variables. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("BALSA_"));
  const env = { ...Object.fromEntries(inherited), ...options.env };
  const child = spawn(process.execPath, [binary, ...args], { env, timeout: endMsMax, killSignal: "SIGKILL" });
  const stdout: Buffer[] = [];
  let stderr = "";
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= (options.interruptAfterBytes ?? Number.POSITIVE_INFINITY)) child.kill("SIGINT");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.end(options.stdin ?? new Uint8Array());
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}
