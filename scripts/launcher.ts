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
  readonly logLevel: string;
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
  await requireFreePorts(plans);
  const signalled = onSignal();
  const fleet = new Fleet(options.logLevel);
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

function isUsed(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return false;
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
  await fleet.start(founders, (node) => (node === door ? ["--bootstrap"] : joining(door)));
  await fleet.start(
    plans.filter((node) => !founders.includes(node)),
    () => joining(door),
  );
  return undefined;
}

function joining(door: Plan | undefined): readonly string[] {
  return door === undefined ? [] : ["--join", `http://127.0.0.1:${door.httpPort}`];
}

function announce(plans: readonly Plan[]): void {
  const urls = plans.map((node) => `http://127.0.0.1:${node.httpPort}`);
  const [first = "", last = ""] = [urls[0], urls[urls.length - 1]];
  process.stdout.write(`cluster ready ${urls.join(" ")}\n`);
  process.stdout.write(`try it: curl -X PUT --data-binary hello ${first}/key/a && curl ${last}/key/a\n`);
}

/** The running nodes and their lines on stderr. */
class Fleet {
  readonly #nodes: NodeProcess[] = [];
  readonly #logLevel: string;
  readonly #colours: boolean = process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined;
  #stopping = false;

  constructor(logLevel: string) {
    this.#logLevel = logLevel;
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
        ...["--log-level", this.#logLevel, "--log-format", this.#colours ? "pretty" : "json"],
        ...begin,
      ],
      onLog: line,
    });
    line(`started, pid ${child.pid}, http 127.0.0.1:${node.httpPort}, raft 127.0.0.1:${node.raftPort}`);
    void child.ended.then((end) => {
      if (!this.#stopping) line(`ended unexpectedly: it ${describeEnd(end)}; the others go on`);
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

/** Resolves at the first signal; at the second the process ends at once, and its nodes with it. */
function onSignal(): Promise<NodeJS.Signals> {
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
