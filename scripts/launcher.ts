/**
 * @module
 * The launcher: several nodes as processes on this machine, one terminal for all of them.
 */

import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { StartError } from "../src/errors/balsa-error.ts";
import { describeEnd, NodeProcess } from "./node-process.ts";

export interface LaunchOptions {
  readonly nodes: number;
  readonly httpPort: number;
  readonly raftPort: number;
  /** Each node's directory lies in it, under the node's name. */
  readonly data: string;
  readonly leaseReads: boolean;
  readonly logLevel: string;
  readonly logFormat: string;
  /** A config file for each node; what the launcher says itself comes before it. */
  readonly config: string | undefined;
}

interface Plan {
  readonly id: string;
  readonly httpPort: number;
  readonly raftPort: number;
  readonly directory: string;
  /** Its directory holds something: it has begun before. */
  readonly used: boolean;
}

/** All that is started must be ready within this time. */
const readyMsMax = 60_000;
/** A node that is asked to end is gone within 10 s by its own promise. */
const stopMsMax = 10_000;

/** Resolves with the exit code: 0 after a signal, 1 when no node is left. Throws a StartError when it cannot start. */
export async function launch(options: LaunchOptions): Promise<number> {
  const plans = plan(options);
  requireMajority(plans, leftOut(options));
  await requireFreePorts(plans);
  const fleet = new Fleet(options);
  const signalled = onSignal(fleet);
  adviseOn(options.nodes);
  try {
    const early = await Promise.race([startAll(plans, fleet), signalled]);
    if (early === undefined) {
      announce(plans);
      await Promise.race([signalled, fleet.allEnded().then(() => Promise.reject(new StartError("no node is left")))]);
    }
    return 0;
  } finally {
    await fleet.stop();
  }
}

function plan(options: LaunchOptions): readonly Plan[] {
  return Array.from({ length: options.nodes }, (_, at) => {
    const id = `n${at + 1}`;
    const directory = join(options.data, id);
    return {
      id,
      directory,
      httpPort: options.httpPort + at,
      raftPort: options.raftPort + at,
      used: isUsed(directory),
    };
  });
}

/** Nodes that have begun in this directory and are not asked for now. */
function leftOut({ data, nodes }: LaunchOptions): readonly string[] {
  const ids = readdirIfThere(data).filter((name) => /^n[1-9]\d*$/.test(name) && Number(name.slice(1)) > nodes);
  return ids.filter((id) => isUsed(join(data, id))).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

/**
 * A node that is not started stays a member and counts in every quorum. Throws a StartError when those that would be
 * started could never elect a leader; says what it means when they can.
 */
function requireMajority(plans: readonly Plan[], absent: readonly string[]): void {
  if (absent.length === 0) return;
  const used = plans.filter((node) => node.used).length;
  const total = used + absent.length;
  const names = absent.join(", ");
  if (used * 2 <= total) {
    throw new StartError(
      `${total} nodes have begun in this directory, and ${used} of them are no majority: they could not elect a leader. ` +
        `Start all with --nodes ${highest(absent)}; remove ${names} as members while all run, if you want fewer`,
    );
  }
  const [has, is, each] = absent.length === 1 ? ["has", "is", "it"] : ["have", "are", "each"];
  tell(
    `${names} ${has} begun in this directory and ${is} not started: unless removed, ${each} counts as a member that is ` +
      `down. --nodes ${highest(absent)} starts all`,
  );
}

function highest(ids: readonly string[]): number {
  return Math.max(...ids.map((id) => Number(id.slice(1))));
}

function adviseOn(nodes: number): void {
  if (nodes % 2 === 1) return;
  const survives = nodes / 2 - 1;
  const fewer = nodes === 2 ? "1 does" : `${nodes - 1} do`;
  tell(`${nodes} nodes survive the loss of ${survives}, as ${fewer}: an odd number costs less and is as safe`);
}

function tell(line: string): void {
  process.stderr.write(`balsa: ${line}\n`);
}

function isUsed(directory: string): boolean {
  return readdirIfThere(directory).length > 0;
}

/** Empty when there is no such directory. */
function readdirIfThere(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw new StartError(`${directory} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

async function requireFreePorts(plans: readonly Plan[]): Promise<void> {
  for (const { httpPort, raftPort } of plans) {
    await requireFreePort(httpPort, "--http-port");
    await requireFreePort(raftPort, "--raft-port");
  }
}

async function requireFreePort(port: number, flag: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "is in use" : `cannot be used (${cause.message})`;
      reject(new StartError(`port ${port} ${why}; nothing was started. Choose other ports with ${flag}`, { cause }));
    });
    probe.listen(port, "127.0.0.1", resolve);
  });
  await new Promise((resolve) => {
    probe.close(resolve);
  });
}

/**
 * Nodes that have begun before need each other for a quorum, so they start together; new ones join through one of
 * them. When all are new, the first begins the cluster.
 */
async function startAll(plans: readonly Plan[], fleet: Fleet): Promise<undefined> {
  const used = plans.filter((node) => node.used);
  const founders = used.length > 0 ? used : plans.slice(0, 1);
  const door = founders[0];
  // Those that have begun may all be at other ports than they were: each is told where the others are.
  const peersOf = (node: Plan): readonly string[] =>
    used.filter((other) => other !== node).flatMap((other) => ["--peer", urlOf(other)]);
  await fleet.start(founders, (node) => [...(node === door ? ["--bootstrap"] : joining(door)), ...peersOf(node)]);
  await fleet.start(
    plans.filter((node) => !founders.includes(node)),
    () => joining(door),
  );
  return undefined;
}

function joining(door: Plan | undefined): readonly string[] {
  return door === undefined ? [] : ["--join", urlOf(door)];
}

function urlOf({ httpPort }: Plan): string {
  return `http://127.0.0.1:${httpPort}`;
}

function announce(plans: readonly Plan[]): void {
  const urls = plans.map(urlOf);
  const [first = "", last = ""] = [urls[0], urls[urls.length - 1]];
  process.stdout.write(`cluster ready ${urls.join(" ")}\n`);
  process.stdout.write(`try it: curl -X PUT --data-binary hello ${first}/key/a && curl ${last}/key/a\n`);
}

/** The running nodes and their lines on stderr. */
class Fleet {
  readonly #nodes: NodeProcess[] = [];
  readonly #common: readonly string[];
  readonly #colours: boolean = process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined;
  #stopping = false;

  constructor({ logLevel, logFormat, leaseReads, config }: LaunchOptions) {
    const file = config === undefined ? [] : ["--config", config];
    this.#common = [
      "--log-level",
      logLevel,
      "--log-format",
      logFormat,
      ...(leaseReads ? ["--lease-reads"] : []),
      ...file,
    ];
  }

  /** Resolves when all of them are ready. Throws a StartError with the reason of the first that cannot be. */
  async start(plans: readonly Plan[], begin: (node: Plan) => readonly string[]): Promise<void> {
    const nodes = plans.map((node) => this.#spawn(node, begin(node)));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StartError(`not ready after ${readyMsMax / 1000} s`)), readyMsMax);
    });
    try {
      await Promise.race([Promise.all(nodes.map((node) => node.ready)), late]);
    } catch (cause) {
      throw new StartError(messageOf(cause), { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the last has ended. */
  async allEnded(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.ended));
  }

  /** Each node understands it as if it had come to it. */
  signal(signal: NodeJS.Signals): void {
    for (const node of this.#nodes) node.signal(signal);
  }

  /** All at once: one after the other would elect a leader for each that goes. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#nodes.map((node) => node.stop(stopMsMax)));
  }

  #spawn(node: Plan, begin: readonly string[]): NodeProcess {
    const line = this.#linesOf(node.id);
    const child = new NodeProcess({
      id: node.id,
      args: [
        ...["--id", node.id, "--data", node.directory],
        ...["--http", `127.0.0.1:${node.httpPort}`, "--raft", `127.0.0.1:${node.raftPort}`],
        ...this.#common,
        ...begin,
      ],
      onLog: line,
    });
    line(`started, pid ${child.pid}, http 127.0.0.1:${node.httpPort}, raft 127.0.0.1:${node.raftPort}`);
    let isReady = false;
    child.ready.then(
      () => (isReady = true),
      () => undefined, // Whoever waits for all of them says why.
    );
    void child.ended.then((end) => {
      if (this.#stopping) return;
      line(
        isReady
          ? `ended unexpectedly: it ${describeEnd(end)}; the others go on`
          : `not started: it ${describeEnd(end)}`,
      );
    });
    this.#nodes.push(child);
    return child;
  }

  #linesOf(id: string): (text: string) => void {
    const colour = 31 + (Number(id.slice(1)) % 6);
    const prefix = this.#colours ? `\u001b[${colour}m${id} |\u001b[0m` : `${id} |`;
    return (text) => process.stderr.write(`${prefix} ${text}\n`);
  }
}

/**
 * Resolves at the first signal to end; at the second the process ends at once, and its nodes with it. SIGUSR2 is handed
 * on: it changes what the nodes log.
 */
function onSignal(fleet: Fleet): Promise<NodeJS.Signals> {
  process.on("SIGUSR2", () => fleet.signal("SIGUSR2"));
  return new Promise((resolve) => {
    let signals = 0;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(1);
        process.stderr.write(`${signal}: ending all nodes\n`);
        resolve(signal);
      });
    }
  });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
