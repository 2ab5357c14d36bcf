/**
 * @module
 * The outside of the actors' threads: starts the four of one node, stops them in order, and names the one
 * that ended when it should not have.
 */

import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Remote } from "comlink";
import { createBoardMemory } from "./board.ts";
import { exposeOn, wrapPort } from "./comlink-port.ts";
import {
  type ActorName,
  type AdvertisedAddresses,
  actorEdges,
  actorNames,
  type LinkCuts,
  type LogFields,
  type PeerPlace,
} from "./context.ts";
import {
  type Failure,
  failureOf,
  isThreadFailed,
  type SupervisorControl,
  type ThreadControl,
  type ThreadData,
  whileAlive,
} from "./thread.ts";

/** What main does for its actors. */
export interface CrewHandlers {
  keep(realPath: string): Promise<void>;
  release(realPath: string): Promise<void>;
  listening(actor: ActorName, port: number): void;
  log(level: "debug" | "info" | "warn" | "error", actor: ActorName, message: string, fields: LogFields): void;
}

export interface CrewOptions {
  /** The compiled entry of each actor, and what it is started with. */
  readonly actors: Readonly<Record<ActorName, { readonly entry: URL; readonly config: unknown }>>;
  readonly handlers: CrewHandlers;
}

/** An actor ended although nobody had stopped it. */
export class ActorEndedError extends Error {
  readonly actor: ActorName;
  readonly failure: Failure;

  constructor(actor: ActorName, failure: Failure) {
    super(`the ${actor} actor ended: ${failure.message}`);
    this.name = "ActorEndedError";
    this.actor = actor;
    this.failure = failure;
  }
}

interface Actor {
  readonly worker: Worker;
  readonly control: Remote<ThreadControl>;
  readonly exited: Promise<void>;
  /** Resolves when the actor's start has; main's own ports close with it. */
  readonly started: Promise<void>;
  readonly ports: readonly MessagePort[];
}

/** The threads of one node. */
export class Crew {
  readonly boardMemory: SharedArrayBuffer = createBoardMemory();
  /** Resolves with the first actor that ended by itself; never when the crew is stopped in order. */
  readonly firstEnd: Promise<ActorEndedError>;
  readonly #actors = new Map<ActorName, Actor>();
  #stopping = false;
  #onEnd: (end: ActorEndedError) => void = () => undefined;

  constructor(options: CrewOptions) {
    this.firstEnd = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    const edges = openEdges();
    try {
      for (const name of actorNames) this.#actors.set(name, this.#start(name, options, edges.get(name) ?? {}));
    } catch (cause) {
      // A thread that could not even be made: the others must not be left running.
      void this.terminate();
      throw cause;
    }
  }

  /** Resolves when all four have started; rejects with the first that could not. */
  async started(): Promise<void> {
    const ended = this.firstEnd.then((end) => Promise.reject(end));
    await Promise.race([Promise.all([...this.#actors.values()].map((actor) => actor.started)), ended]);
  }

  /** Stops in the order given, each before the next; one that ends instead counts as stopped. */
  async stop(order: readonly ActorName[], graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const name of order) {
      const { worker, control } = this.#actor(name);
      await Promise.race([whileAlive(worker, control.stop()).catch(() => undefined), timeout(graceMs)]);
    }
    await this.terminate();
  }

  /** Ends all threads now, whatever they do. */
  async terminate(): Promise<void> {
    this.#stopping = true;
    const actors = [...this.#actors.values()];
    await Promise.all(actors.map((actor) => actor.worker.terminate()));
    await Promise.all(actors.map((actor) => actor.exited));
    for (const actor of actors) for (const port of actor.ports) port.close();
  }

  /** Ends one thread as if it had crashed. */
  crash(name: ActorName): void {
    void this.#actor(name).worker.terminate();
  }

  /** Blocks one thread solid. */
  async stall(name: ActorName, milliseconds: number): Promise<void> {
    const { worker, control } = this.#actor(name);
    await whileAlive(worker, control.stall(milliseconds));
  }

  /** In force when it resolves. */
  async setCuts(cuts: LinkCuts): Promise<void> {
    const { worker, control } = this.#actor("raft");
    await whileAlive(worker, control.setCuts(cuts));
  }

  async setAddresses(advertised: AdvertisedAddresses): Promise<void> {
    for (const name of ["ingress", "raft"] as const) {
      const { worker, control } = this.#actor(name);
      await whileAlive(worker, control.setAddresses(advertised));
    }
  }

  async expectPeers(places: readonly PeerPlace[]): Promise<void> {
    const { worker, control } = this.#actor("raft");
    await whileAlive(worker, control.expectPeers(places));
  }

  #actor(name: ActorName): Actor {
    const actor = this.#actors.get(name);
    if (actor === undefined) throw new RangeError(`there is no actor ${name}`);
    return actor;
  }

  #start(name: ActorName, options: CrewOptions, edges: Readonly<Record<string, MessagePort>>): Actor {
    const control = new MessageChannel();
    const supervisor = new MessageChannel();
    const { entry, config } = options.actors[name];
    const data: ThreadData = {
      name,
      config,
      board: this.boardMemory,
      edges,
      control: control.port2,
      supervisor: supervisor.port2,
    };
    const worker = new Worker(entry, {
      name: `balsa-${name}`,
      workerData: data,
      transferList: [...Object.values(edges), control.port2, supervisor.port2],
    });
    const started = new Promise<void>((resolve) => {
      exposeOn<SupervisorControl>(supervisor.port1, supervisorFor(name, options.handlers, resolve));
    });
    let failure: Failure | undefined;
    worker.on("message", (message: unknown) => {
      if (isThreadFailed(message)) failure = message.failure;
    });
    worker.on("error", (error) => {
      failure ??= failureOf(error);
    });
    const exited = new Promise<void>((resolve) => {
      worker.on("exit", (exitCode) => {
        resolve();
        const unknown = { name: "Error", message: `its thread exited with code ${exitCode}`, stack: "" };
        if (!this.#stopping) this.#onEnd(new ActorEndedError(name, failure ?? unknown));
      });
    });
    const ports = [control.port1, supervisor.port1];
    return { worker, control: wrapPort<ThreadControl>(control.port1), exited, started, ports };
  }
}

/** A channel an edge; each end under the actor that holds it, by the name of the other. */
function openEdges(): Map<ActorName, Record<string, MessagePort>> {
  const ends = new Map<ActorName, Record<string, MessagePort>>(actorNames.map((name) => [name, {}]));
  for (const [one, other] of actorEdges) {
    const channel = new MessageChannel();
    Object.assign(ends.get(one) ?? {}, { [other]: channel.port1 });
    Object.assign(ends.get(other) ?? {}, { [one]: channel.port2 });
  }
  return ends;
}

function supervisorFor(name: ActorName, handlers: CrewHandlers, started: () => void): SupervisorControl {
  return {
    started,
    keep: (realPath) => handlers.keep(realPath),
    release: (realPath) => handlers.release(realPath),
    listening: (port) => handlers.listening(name, port),
    log: (level, message, fields) => handlers.log(level, name, message, fields),
  };
}

function timeout(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
