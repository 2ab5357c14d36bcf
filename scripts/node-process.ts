/**
 * @module
 * One `balsa serve` as a child process: started, waited for, signalled by its pid, and its end told.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The compiled binary, beside this file's folder in `dist/`. */
export const binary: string = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

export interface NodeProcessOptions {
  readonly id: string;
  /** The compiled command line to start; default: this build's. */
  readonly binary?: string;
  /** Arguments after `serve`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the command that follows it, as `ip netns exec n1`, in its own place. */
  readonly within?: readonly string[];
  /** Each line that the node writes to stderr. */
  readonly onLog: (line: string) => void;
}

export interface Ready {
  readonly id: string;
  /** URL. */
  readonly http: string;
  readonly raft: string;
}

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const readyLine = /^ready id=(\S+) http=(\S+) raft=(\S+)$/;

/**
 * Starts a node in a process group of its own, so that a terminal's Ctrl-C reaches only its parent, which ends
 * it in order. A parent that is killed takes its nodes with it: they see the IPC channel close.
 */
export class NodeProcess {
  readonly id: string;
  readonly pid: number;
  /** Resolves with what the `ready` line says; rejects when the process ends before. */
  readonly ready: Promise<Ready>;
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  #end: ProcessEnd | undefined;
  #lastLog = "";

  constructor(options: NodeProcessOptions) {
    this.id = options.id;
    const command = [...(options.within ?? []), process.execPath, options.binary ?? binary, "serve", ...options.args];
    const [program = process.execPath, ...args] = command;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
      env: { ...process.env, UV_THREADPOOL_SIZE: "16", BALSA_PARENT: "ipc", ...options.env },
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      const finish = (end: ProcessEnd): void => {
        this.#end = end;
        resolve(end);
      };
      // `close`, not `exit`: the last lines of its log have been read by then.
      child.once("close", (code, signal) => finish({ code, signal }));
      child.once("error", (error) => {
        this.#lastLog = error.message;
        if (child.pid === undefined) finish({ code: null, signal: null });
      });
    });
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on("line", (line) => {
        this.#lastLog = line;
        options.onLog(line);
      });
    }
    this.ready = this.#awaitReady();
    this.ready.catch(() => undefined);
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** The last line of its stderr: why it ended, when it says so. */
  get lastLog(): string {
    return this.#lastLog;
  }

  /** Only ever to this pid, and only while it is this process's child. */
  signal(signal: NodeJS.Signals): void {
    if (this.#end === undefined && this.#child.exitCode === null) this.#child.kill(signal);
  }

  /** Resolves when the process is gone: SIGTERM, and SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<ProcessEnd> {
    this.signal("SIGTERM");
    const kill = setTimeout(() => this.signal("SIGKILL"), graceMs);
    const end = await this.ended;
    clearTimeout(kill);
    return end;
  }

  /** Fault switch; the node listens only when it was started with `BALSA_FAULTS=ipc`. */
  stall(actor: "ingress" | "raft" | "log" | "store", milliseconds: number): void {
    this.#child.send({ fault: "stall", actor, milliseconds });
  }

  #awaitReady(): Promise<Ready> {
    return new Promise((resolve, reject) => {
      if (this.#child.stdout !== null) {
        createInterface({ input: this.#child.stdout }).on("line", (line) => {
          const [, id, http, raft] = readyLine.exec(line) ?? [];
          if (id !== undefined && http !== undefined && raft !== undefined) resolve({ id, http, raft });
        });
      }
      void this.ended.then((end) => reject(new Error(`${this.id} ${describeEnd(end)}: ${this.#lastLog}`)));
    });
  }
}

export function describeEnd({ code, signal }: ProcessEnd): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? "could not be started" : `exited with code ${code}`;
}
