/**
 * @module
 * One node: its data directory, its four actors, and how it begins, becomes ready, closes and ends.
 */

import { randomBytes, randomInt } from "node:crypto";
import { Board } from "../actor/board.ts";
import type { ActorName, LinkCuts } from "../actor/context.ts";
import { ActorEndedError, Crew } from "../actor/crew.ts";
import { watchEventLoop } from "../actor/loop-delay.ts";
import type { Addresses, Identity } from "../actors/protocol/config.ts";
import { type Address, formatAddress, parseAddress } from "../address/address.ts";
import { isLoopback } from "../address/loopback.ts";
import { isNodeId } from "../address/node-id.ts";
import { isUnspecified, reachableHere } from "../address/unspecified.ts";
import { BalsaClient } from "../client/balsa-client.ts";
import { StartError } from "../errors/balsa-error.ts";
import { type Beginning, openDataDirectory } from "../storage/data-directory.ts";
import { actorsOf, type NodeMakings } from "./actor-configs.ts";
import { announce } from "./announce.ts";
import { nodeLimits, voteHoldMs } from "./defaults.ts";
import { exchangeJson } from "./http-exchange.ts";
import { identify } from "./identify.ts";
import { join } from "./join.ts";
import { Keepers } from "./keepers.ts";
import type { BalsaNode, LogLine, NodeOptions, NodeStanding, StartOptions } from "./options.ts";
import { standingFields, standingOn } from "./standing.ts";
import { completeOptions, removeDirectory } from "./start-options.ts";
import { renewVoteHold } from "./vote-hold.ts";

/** Ingress first, so that nothing new comes in; then raft, which hands leadership over; then the disks. */
const stopOrder: readonly ActorName[] = ["ingress", "raft", "store", "log"];
const stopGraceMs = 4_000;
const readyPollMs = 10;
const noCuts: LinkCuts = { to: [], from: [] };

/**
 * Starts a node; it listens when this resolves, and serves once `ready()` does.
 *
 * Throws a StartError, in one line that says how to mend it, when it cannot begin with what it was given.
 */
export async function startNode(options: StartOptions = {}): Promise<BalsaNode> {
  return await startNodeBehind(noCuts, options);
}

/** As `startNode`, with these links cut from the first moment on. */
export async function startNodeBehind(cuts: LinkCuts, asked: StartOptions): Promise<BalsaNode> {
  const { options, temporary } = await completeOptions(asked);
  try {
    checkOptions(options);
    const addresses = addressesOf(options);
    const directory = await openDataDirectory(options.data, { nodeId: options.id });
    const { begin, ...identity } = await identify(directory, options);
    await renewVoteHold(directory.voteHoldFile, voteHoldMs(options));
    const node = new RunningNode({ options, addresses, directory, identity, begin }, temporary);
    await node.start(cuts);
    return node;
  } catch (cause) {
    if (temporary) await removeDirectory(options.data);
    throw cause;
  }
}

class RunningNode implements BalsaNode {
  readonly id: string;
  readonly data: string;
  readonly closed: Promise<void>;
  readonly #isTemporary: boolean;
  readonly #options: NodeOptions;
  #addresses: Addresses;
  /** As the system gave them, by actor. */
  readonly #ports = new Map<ActorName, number>();
  readonly #begin: Beginning;
  readonly #identity: Identity;
  readonly #keepers = new Keepers();
  readonly #crew: Crew;
  readonly #abandon = new AbortController();
  readonly #loopTimer: NodeJS.Timeout;
  readonly #board: Board;
  #client: BalsaClient | null = null;
  #joining: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #settleClosed: { resolve: () => void; reject: (cause: unknown) => void } = { resolve() {}, reject() {} };

  constructor(makings: Omit<NodeMakings, "origin" | "seed">, isTemporary: boolean) {
    const { options, addresses, begin, identity } = makings;
    this.id = options.id;
    this.data = options.data;
    this.#isTemporary = isTemporary;
    this.#options = options;
    this.#addresses = addresses;
    this.#begin = begin;
    this.#identity = identity;
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject };
    });
    // Somebody may never look at it; an unexpected end still reaches whoever does.
    this.closed.catch(() => undefined);
    this.#crew = new Crew({
      actors: actorsOf({ ...makings, origin: randomInt(1, 2 ** 47), seed: seed() }),
      handlers: {
        keep: (realPath) => this.#keepers.keep(realPath),
        release: (realPath) => this.#keepers.release(realPath),
        listening: (actor, port) => void this.#ports.set(actor, port),
        log: (level, actor, message, fields) => options.log({ level, actor, message, fields }),
      },
    });
    this.#board = new Board(this.#crew.boardMemory);
    this.#loopTimer = watchEventLoop(this.#board, "loopDelay:main");
    void this.#crew.firstEnd.then((end) => this.#onActorEnded(end));
  }

  get httpUrl(): string {
    return urlHere(this.#addresses.httpListen);
  }

  get raftAddr(): string {
    return this.#addresses.raftListen;
  }

  get standing(): NodeStanding {
    return standingOn(this.#board);
  }

  get client(): BalsaClient {
    this.#client ??= new BalsaClient({ endpoints: [this.httpUrl] });
    return this.#client;
  }

  /** Waits for the actors to start and sees that a node that was to join does. */
  async start(cuts: LinkCuts): Promise<void> {
    try {
      // Said before anything is started, so it is in force before a peer is dialled.
      const cut = this.#crew.setCuts(cuts);
      cut.catch(() => undefined); // Rejects when the thread ends: `started` says which one and why.
      await this.#crew.started();
      await cut;
      await this.#tellAddresses();
    } catch (cause) {
      await this.closed.catch(() => undefined);
      throw startErrorOf(cause);
    }
    this.#joining = this.#takePlace();
  }

  async ready(): Promise<void> {
    const ended = this.closed.then(() => Promise.reject(new StartError("the node was closed before it was ready")));
    ended.catch(() => undefined);
    while (!(await Promise.race([this.#isReady(), ended]))) await pause(readyPollMs);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async crash(actor?: ActorName): Promise<void> {
    if (this.#closing === null && actor !== undefined) this.#crew.crash(actor);
    else this.#closing ??= this.#end(new Error(`${this.id} was crashed on purpose`));
    await this.closed.catch(() => undefined);
  }

  async stall(actor: ActorName, milliseconds: number): Promise<void> {
    if (!stopOrder.includes(actor)) throw new RangeError(`there is no actor ${String(actor)}`);
    await this.#crew.stall(actor, milliseconds).catch(() => undefined);
  }

  async setCuts(cuts: LinkCuts): Promise<void> {
    await this.#crew.setCuts(cuts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ports that were left to the system are known by now; with others, everybody knows them from the start. */
  async #tellAddresses(): Promise<void> {
    const before = this.#addresses;
    this.#addresses = withPorts(before, this.#ports);
    const { httpAdvertise, raftAdvertise } = this.#addresses;
    if (httpAdvertise === before.httpAdvertise && raftAdvertise === before.raftAdvertise) return;
    await this.#crew.setAddresses({ httpAdvertise, raftAdvertise });
  }

  async #close(): Promise<void> {
    this.#abandon.abort();
    try {
      await this.#crew.stop(stopOrder, stopGraceMs);
      await this.#release();
      await this.#joining;
      this.#settleClosed.resolve();
    } catch (cause) {
      this.#settleClosed.reject(cause);
    }
  }

  async #onActorEnded(end: ActorEndedError): Promise<void> {
    if (this.#closing !== null) return;
    this.#closing = this.#end(end);
    await this.#closing.catch(() => undefined);
  }

  /** Ends everything now, and says why. */
  async #end(cause: unknown): Promise<void> {
    this.#abandon.abort();
    try {
      await this.#crew.terminate();
      await this.#release();
    } finally {
      this.#settleClosed.reject(cause);
    }
  }

  async #release(): Promise<void> {
    clearInterval(this.#loopTimer);
    this.#client?.close();
    await this.#keepers.releaseAll();
    if (this.#isTemporary) await removeDirectory(this.data);
  }

  /** Joins, or sees that the cluster knows where this node is. Never rejects: a refusal to be taken in ends the node. */
  async #takePlace(): Promise<void> {
    const begin = this.#begin;
    const { httpAdvertise: httpAddr, raftAdvertise: raftAddr } = this.#addresses;
    const here = { id: this.id, httpAddr, raftAddr, incarnation: this.#identity.incarnation };
    const say = (level: LogLine["level"], message: string): void => {
      this.#options.log({ level, actor: "main", message, fields: standingFields(this.standing) });
    };
    const { signal } = this.#abandon;
    try {
      if ((await this.#hasNeverBeenTakenIn()) && begin.kind === "join") {
        const role = begin.learner ? "learner" : "voter";
        await join(begin.url, { ...here, role }, signal, (why) => say("info", `not joined yet: ${why}`));
      } else {
        await announce(here, {
          clusterId: this.#identity.clusterId,
          ownUrl: this.httpUrl,
          peerUrls: this.#options.peers ?? [],
          expectPeers: (places) => this.#crew.expectPeers(places),
          signal,
          say,
        });
      }
    } catch (cause) {
      if (this.#closing === null) void (this.#closing = this.#end(cause)).catch(() => undefined);
    }
  }

  /** A node whose log holds anything was a member once: whether it still is, is not for it to decide. */
  async #hasNeverBeenTakenIn(): Promise<boolean> {
    while (this.#board.get("raftStarted") === 0 && !this.#abandon.signal.aborted) await pause(readyPollMs);
    return this.#board.get("lastLogIndex") === 0;
  }

  async #isReady(): Promise<boolean> {
    const answer = await exchangeJson("GET", `${this.httpUrl}/readyz`, undefined, { timeoutMs: 1_000 }).catch(
      () => null,
    );
    return answer?.status === 200;
  }
}

function checkOptions({ id, valueBytesMax, tickMs, electionTimeoutTicks }: NodeOptions): void {
  const isValidId: boolean = isNodeId(id);
  if (!isValidId) {
    throw new StartError(`--id ${id} is not a node id: 1 to 64 of A-Z a-z 0-9 . _ -, and not a name every object has`);
  }
  const { tickMsMin, tickMsMax, electionTimeoutTicksMin, electionTimeoutTicksMax } = nodeLimits;
  requireWithin("tickMs", tickMs, tickMsMin, tickMsMax);
  requireWithin("electionTimeoutTicks", electionTimeoutTicks, electionTimeoutTicksMin, electionTimeoutTicksMax);
  if (valueBytesMax > nodeLimits.valueBytesMaxMax) {
    throw new StartError(
      `--value-bytes-max is at most ${nodeLimits.valueBytesMaxMax}: a frame between nodes must hold it`,
    );
  }
}

function requireWithin(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new StartError(`${name} is a whole number from ${least} to ${most}, not ${value}`);
}

function addressesOf(options: NodeOptions): Addresses {
  const http = listenAddress("--http", options.http, options.insecure);
  const raft = listenAddress("--raft", options.raft, options.insecure);
  return {
    httpListen: formatAddress(http),
    raftListen: formatAddress(raft),
    httpAdvertise: advertisedAddress("--advertise-http", options.advertiseHttp, http),
    raftAdvertise: advertisedAddress("--advertise-raft", options.advertiseRaft, raft),
  };
}

/** Port 0 replaced by what the listener of that actor got. */
function withPorts(addresses: Addresses, ports: ReadonlyMap<ActorName, number>): Addresses {
  const of = (text: string, actor: ActorName): string => {
    const address = parseAddress(text);
    return address?.port === 0 ? formatAddress({ ...address, port: ports.get(actor) ?? 0 }) : text;
  };
  return {
    httpListen: of(addresses.httpListen, "ingress"),
    raftListen: of(addresses.raftListen, "raft"),
    httpAdvertise: of(addresses.httpAdvertise, "ingress"),
    raftAdvertise: of(addresses.raftAdvertise, "raft"),
  };
}

/** What others are told; with port 0, the port that the system will give. */
function advertisedAddress(flag: string, text: string | undefined, listens: Address): string {
  const told = text ?? formatAddress(listens);
  const address = parseAddress(told);
  if (address !== null && !isUnspecified(address.host)) return told;
  throw new StartError(`others cannot reach this node at ${told}: tell them where with ${flag} host:port`);
}

function urlHere(listens: string): string {
  const address = parseAddress(listens);
  return `http://${address === null ? listens : formatAddress(reachableHere(address))}`;
}

function listenAddress(flag: string, text: string, insecure: boolean): Address {
  const address = parseAddress(text);
  if (address === null) throw new StartError(`${flag} ${text} is not host:port, like 127.0.0.1:8091`);
  if (!isLoopback(address.host) && !insecure) {
    throw new StartError(
      `${flag} ${text} is not a loopback address, and this version has neither TLS nor tokens: ` +
        "listen on 127.0.0.1, or say --insecure when everybody who can reach it may do everything",
    );
  }
  return address;
}

function startErrorOf(cause: unknown): unknown {
  if (!(cause instanceof ActorEndedError)) return cause;
  const expected = cause.failure.name === "StartError" || cause.failure.name === "StorageError";
  return expected ? new StartError(cause.failure.message, { cause }) : cause;
}

function seed(): number {
  return randomBytes(4).readUInt32BE();
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
