/**
 * @module
 * `balsa serve`: one node in the foreground, from its settings to its exit code.
 */

import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { parseAddress } from "../../address/address.ts";
import type { BalsaNode, LogLine, NodeOptions } from "../../cluster/options.ts";
import { standingFields } from "../../cluster/standing.ts";
import type { startNode as StartNode } from "../../cluster/start-node.ts";
import { StartError } from "../../errors/balsa-error.ts";
import { readSettings } from "./config-file.ts";
import { type LogLevel, LogPrinter, type LogStyle, logLevelOf } from "./log-line.ts";
import type { Flags, Settings } from "./resolve.ts";
import { nodeOptionsOf } from "./serve-options.ts";
import { serveSettings } from "./settings.ts";

/** After a signal the process is gone within this time, in order or not. */
const closeMsMax = 9_500;

/** Never returns: what is still open (threads, sockets) ends with the process. */
export async function serve(flags: Flags): Promise<never> {
  const settings = readSettings(serveSettings, flags);
  const printer = new LogPrinter(logStyleOf(settings), (text) => process.stderr.write(text));
  const options = nodeOptionsOf(settings, printer.print);
  let started: BalsaNode | null = null;
  const standing = (): LogLine["fields"] => (started === null ? {} : standingFields(started.standing));
  process.on("SIGUSR2", () => printer.toggleDebug(standing()));
  // The node's code is loaded while the directory and the ports are looked at.
  const module = import("../../cluster/start-node.ts");
  module.catch(() => undefined);
  const say = sayingOf(options, standing);
  const stop = onStopRequest(say);
  const node = await start(options, module);
  started = node;
  tellStart(settings, options, say);
  obeyParent(node, stop.request, say);
  process.exit(await outcomeOf(node, stop.requested, say));
}

/** A start that is refused leaves no directory behind that it made and that is still empty. */
async function start(
  options: NodeOptions,
  module: Promise<{ readonly startNode: typeof StartNode }>,
): Promise<BalsaNode> {
  const made = requireWritable(options.data);
  try {
    await Promise.all([requireFree("--http", options.http), requireFree("--raft", options.raft)]);
    const { startNode } = await module;
    return await startNode(options);
  } catch (cause) {
    removeEmpty(made);
    throw startErrorOf(cause, options);
  }
}

/** Writes a line of this process itself, not of an actor. */
type Say = (level: LogLevel, message: string, fields?: LogLine["fields"]) => void;

function sayingOf({ log }: NodeOptions, standing: () => LogLine["fields"]): Say {
  return (level, message, fields = {}) => log({ level, actor: "main", message, fields: { ...standing(), ...fields } });
}

/** What a reader of the log needs first, and for whoever wants to know, where each setting stands. */
function tellStart(settings: Settings, { id, data, http, raft }: NodeOptions, say: Say): void {
  say("info", `node ${id} has started: clients at ${http}, nodes at ${raft}, data in ${data}`, { pid: process.pid });
  for (const [name, value] of settings.chosen()) say("debug", `setting ${name} is ${String(value)}`);
}

function logStyleOf(settings: Settings): LogStyle {
  const format = settings.text("log-format") ?? (process.stderr.isTTY ? "pretty" : "json");
  return {
    node: settings.text("id") ?? "",
    level: logLevelOf(settings.text("log-level")),
    format: format === "pretty" ? "pretty" : "json",
  };
}

/** Says `ready` once it is, waits for a signal or the node's end, and gives the exit code. */
async function outcomeOf(node: BalsaNode, stopRequested: Promise<string>, say: Say): Promise<number> {
  const failed = (message: string): number => {
    say("error", message);
    return 1;
  };
  const ended = node.closed.then(
    () => 0,
    (cause: unknown) => failed(`the node ended unexpectedly: ${messageOf(cause)}`),
  );
  const ready = node.ready().then(
    () => {
      process.stdout.write(`ready id=${node.id} http=${node.httpUrl} raft=${node.raftAddr}\n`);
      say("info", "ready");
    },
    () => undefined, // It ended before: `closed` says why.
  );
  const why = await Promise.race([ended, stopRequested]);
  if (typeof why === "number") return why;
  void ready;
  say("info", `${why}: leadership is handed over, what runs is finished, then the node closes`);
  const late = new Promise<number>((resolve) => {
    setTimeout(() => resolve(failed(`not closed ${closeMsMax} ms after ${why}; ending as it is`)), closeMsMax).unref();
  });
  const closed = node.close().then(
    () => {
      say("info", "closed in order");
      return ended;
    },
    (cause: unknown) => failed(`could not close in order: ${messageOf(cause)}`),
  );
  return await Promise.race([closed, late]);
}

interface StopSwitch {
  /** Resolves with the name of what asked. */
  readonly requested: Promise<string>;
  readonly request: (why: string) => void;
}

/** The first signal asks for an orderly end, the second ends the process at once. */
function onStopRequest(say: Say): StopSwitch {
  let request: (why: string) => void = () => undefined;
  const requested = new Promise<string>((resolve) => {
    request = resolve;
  });
  let signals = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      signals += 1;
      request(signal);
      if (signals === 1) return;
      say("error", `second signal (${signal}): ending at once`);
      process.exit(1);
    });
  }
  return { requested, request };
}

/**
 * What a parent process may say over Node's IPC channel, when the environment allows it: `BALSA_PARENT=ipc` ends
 * the node with its parent, `BALSA_FAULTS=ipc` lets experiments stall an actor. Nothing of it is on the network.
 */
function obeyParent(node: BalsaNode, requestStop: (why: string) => void, say: Say): void {
  if (process.send === undefined) return;
  if (process.env["BALSA_PARENT"] === "ipc")
    process.on("disconnect", () => requestStop("the end of the parent process"));
  if (process.env["BALSA_FAULTS"] !== "ipc") return;
  process.on("message", (message: unknown) => {
    const stall = parseStall(message);
    if (stall === undefined) say("error", `unknown fault ${JSON.stringify(message)}`);
    else void node.stall(stall.actor, stall.milliseconds);
  });
}

interface Stall {
  readonly actor: Parameters<BalsaNode["stall"]>[0];
  readonly milliseconds: number;
}

function parseStall(message: unknown): Stall | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { fault, actor, milliseconds } = message as Readonly<Record<string, unknown>>;
  if (fault !== "stall" || !isStallable(actor)) return undefined;
  return typeof milliseconds === "number" && milliseconds > 0 ? { actor, milliseconds } : undefined;
}

function isStallable(actor: unknown): actor is Stall["actor"] {
  return actor === "ingress" || actor === "raft" || actor === "log" || actor === "store";
}

/** Gives the directories that had to be made, the outermost first. */
function requireWritable(directory: NodeOptions["data"]): readonly string[] {
  const made: string[] = [];
  try {
    makeDirectory(resolve(directory), made);
    if (!statSync(directory).isDirectory()) throw new Error("it is no directory");
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return made;
  } catch (cause) {
    removeEmpty(made);
    throw new StartError(`--data ${directory} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Level by level: where a level cannot be made (below /proc), Node's own recursive form spins for ever. */
function makeDirectory(path: string, made: string[]): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path), made);
  mkdirSync(path);
  made.push(path);
}

/** From the innermost outwards, as far as they are empty. */
function removeEmpty(directories: readonly string[]): void {
  for (const directory of [...directories].reverse()) {
    try {
      rmdirSync(directory);
    } catch {
      return; // Something is in it by now, or it is gone: why the start was refused is all there is to say.
    }
  }
}

/** Asks before anything is started, so that the answer names the flag; the listener itself still refuses a late comer. */
async function requireFree(flag: string, text: string): Promise<void> {
  const address = parseAddress(text);
  if (address === null || address.port === 0) return;
  const probe = createServer();
  await new Promise<void>((done, reject) => {
    probe.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "is in use: another process listens there" : cause.message;
      reject(new StartError(`${flag} ${text} ${why}`, { cause }));
    });
    probe.listen(address.port, address.host, done);
  });
  await new Promise((done) => {
    probe.close(done);
  });
}

/** What nobody expected goes into the log with its stack; the operator gets one line all the same. */
function startErrorOf(cause: unknown, { log }: NodeOptions): StartError {
  if (cause instanceof StartError) return cause;
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  log({ level: "error", actor: "main", message: "the node could not be started", fields: { stack } });
  return new StartError(`the node could not be started: ${messageOf(cause)}`, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
