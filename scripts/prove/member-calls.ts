/**
 * @module
 * What an operator does to the members: requests, and the command line.
 */

import { spawn } from "node:child_process";
import { binary } from "../node-process.ts";

const callMsMax = 40_000;

export interface MemberView {
  readonly id: string;
  readonly role: "voter" | "learner";
}

/** Empty when nobody answers. */
export async function listMembers(url: string): Promise<readonly MemberView[]> {
  const answer = await fetch(`${url}/cluster/members`, { signal: AbortSignal.timeout(callMsMax) }).catch(() => null);
  if (answer?.status !== 200) return [];
  const { members } = (await answer.json()) as { readonly members: readonly MemberView[] };
  return members;
}

/** Gives the status, and the code of an error. */
export async function post(url: string, body: object, timeout?: string): Promise<string> {
  const headers: Record<string, string> = timeout === undefined ? {} : { "balsa-timeout": timeout };
  const answer = await fetch(url, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(callMsMax),
  });
  const { code } = (await answer.json()) as { readonly code?: string };
  return code === undefined ? `${answer.status}` : `${answer.status} ${code}`;
}

/** Runs the command line to its end. */
export function balsa(args: readonly string[]): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, [binary, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: callMsMax,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
}
