/**
 * @module
 * The ingress actor on its thread: the listener, the edges and the clock around the step function.
 */

import type { Registry } from "prom-client";
import type { Board } from "../../actor/board.ts";
import { monotonicMs } from "../../actor/clock.ts";
import type { ActorContext, AdvertisedAddresses, LogFields, RunningActor, StartActor } from "../../actor/context.ts";
import type { Edge } from "../../actor/edge.ts";
import { Pump } from "../../actor/pump.ts";
import { type Address, parseAddress } from "../../address/address.ts";
import { StartError } from "../../errors/balsa-error.ts";
import type { Backend } from "../../http/backend.ts";
import { httpDefaults } from "../../http/options.ts";
import type { IngressRequest, ReadinessCheck } from "../../http/request.ts";
import { HttpServer } from "../../http/server.ts";
import type { StateView } from "../../kv/state-view.ts";
import { LevelStateView } from "../../storage/state/level-state-view.ts";
import type { IngressConfig } from "../protocol/config.ts";
import type { IngressToRaft, RaftToIngress } from "../protocol/ingress-raft.ts";
import type { IngressToStore, StoreToIngress } from "../protocol/store-ingress.ts";
import { ingressDefaults } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import type { OpenView } from "./outbox.ts";
import { checkReadiness, describeStatus } from "./status.ts";
import { createIngress, type Ingress, type IngressInput } from "./turn.ts";

/** Opens the state of one generation for reading on this thread. */
export type OpenStateView = (path: string, board: Board) => Promise<StateView>;

/** The actor as nodes run it: it reads the state's LevelDB through a handle of its own. */
export const startIngress: StartActor<IngressConfig> = startIngressWith((path, board) =>
  LevelStateView.open(path, board),
);

/** Resolves once the listener is bound; rejects with a StartError when it cannot be. */
export function startIngressWith(openStateView: OpenStateView): StartActor<IngressConfig> {
  return async (context) => {
    const thread = new IngressThread(context, openStateView);
    await thread.listen();
    return thread;
  };
}

class IngressThread implements RunningActor, Backend {
  readonly #context: ActorContext<IngressConfig>;
  readonly #openStateView: OpenStateView;
  readonly #ingress: Ingress;
  readonly #pump: Pump<IngressInput>;
  readonly #http: HttpServer;
  readonly #raft: Edge<RaftToIngress, IngressToRaft>;
  readonly #store: Edge<StoreToIngress, IngressToStore>;
  readonly #metrics: Registry;
  readonly #ticker: NodeJS.Timeout;
  #waker: NodeJS.Timeout | undefined;
  #wakeAtMs = 0;
  readonly #upBeforeMs: number;
  #advertised: AdvertisedAddresses;
  #view: StateView | undefined;
  /** As the board shows it. */
  #awaitsState = false;
  /** Views are opened and closed one after the other. */
  #views: Promise<void> = Promise.resolve();

  constructor(context: ActorContext<IngressConfig>, openStateView: OpenStateView) {
    const { config, board } = context;
    this.#context = context;
    this.#openStateView = openStateView;
    this.#advertised = config.addresses;
    this.#upBeforeMs = Date.now() - config.startedAtMs - performance.now();
    // Room for more than one of the largest, lest somebody who sends slowly shuts them out.
    const bytesMin = 2 * config.bodyBytesMax;
    this.#ingress = createIngress({
      ...ingressDefaults,
      pendingBytesMax: Math.max(ingressDefaults.pendingBytesMax, bytesMin),
      nodeId: config.identity.nodeId,
      origin: config.origin,
      pendingRequestsMax: config.pendingRequestsMax,
      proposalsInFlightMax: config.proposalsInFlightMax,
      leaseReads: config.leaseReads,
    });
    this.#pump = new Pump((inputs) => this.#turn(inputs), { inputsPerTurnMax: ingressDefaults.inputsPerTurnMax });
    this.#http = new HttpServer(this, {
      ...httpDefaults,
      bodiesBytesMax: Math.max(httpDefaults.bodiesBytesMax, bytesMin),
      keyBytesMax: config.keyBytesMax,
      valueBytesMax: config.valueBytesMax,
      bodyBytesMax: config.bodyBytesMax,
      headerBytesMax: config.headerBytesMax,
      connectionsMax: config.connectionsMax,
      defaultTimeoutMs: config.defaultTimeoutMs,
      slowRequestMs: config.slowRequestMs,
      allowedHosts: [...config.allowedHosts, hostOf(config.addresses.httpAdvertise)],
      corsOrigins: config.corsOrigins,
    });
    this.#metrics = createMetrics({
      board,
      meter: this.#http.meter,
      isLeader: () => this.#ingress.standing.leadership.role === "leader",
      pendingRequests: () => this.#ingress.pending,
      commandsInFlight: () => this.#ingress.inFlight,
      connections: () => this.#http.connections,
      watches: () => this.#http.watches,
    });
    this.#raft = context.edge<RaftToIngress, IngressToRaft>("raft");
    this.#store = context.edge<StoreToIngress, IngressToStore>("store");
    this.#raft.onMessages((messages) => this.#pump.push({ kind: "raft", messages }));
    this.#store.onMessages((messages) => this.#pump.push({ kind: "store", messages }));
    this.#ticker = setInterval(() => this.#pump.push({ kind: "tick" }), ingressDefaults.tickMs);
  }

  async listen(): Promise<void> {
    const { config, supervisor } = this.#context;
    const { host, port } = listenAddress(config.addresses.httpListen);
    try {
      supervisor.listening(await this.#http.listen(host, port));
    } catch (cause) {
      this.#end();
      throw cause;
    }
  }

  /** Refuses what is new, lets what is pending finish for a while, settles the rest, closes. */
  async stop(): Promise<void> {
    const deadlineMs = performance.now() + ingressDefaults.stopGraceMs;
    this.#pump.push({ kind: "stop", deadlineMs });
    await this.#http.stop(ingressDefaults.stopGraceMs + 10 * ingressDefaults.tickMs);
    this.#end();
    await this.#views;
    await this.#view?.close();
    this.#view = undefined;
  }

  setAddresses(advertised: AdvertisedAddresses): void {
    this.#advertised = advertised;
  }

  #end(): void {
    clearInterval(this.#ticker);
    clearTimeout(this.#waker);
    this.#pump.stop();
    this.#raft.close();
    this.#store.close();
  }

  #turn(inputs: readonly IngressInput[]): void {
    const { board } = this.#context;
    try {
      const appliedIndex = board.get("appliedIndex");
      const revision = board.get("revisionApplied");
      const effects = this.#ingress.turn(inputs, { nowMs: performance.now(), appliedIndex, revision });
      this.#showAwaiting(appliedIndex);
      this.#raft.send(effects.toRaft);
      this.#store.send(effects.toStore);
      for (const { requestId, outcome, milestones } of effects.answers) {
        this.#http.answer(requestId, outcome, milestones);
      }
      this.#http.wake();
      this.#wakeAt(this.#ingress.wakeAtMs);
      if (effects.openView !== null) this.#open(effects.openView);
    } catch (cause) {
      this.#context.fail(cause);
    }
  }

  #wakeAt(wakeAtMs: number): void {
    if (wakeAtMs === this.#wakeAtMs) return;
    this.#wakeAtMs = wakeAtMs;
    clearTimeout(this.#waker);
    if (wakeAtMs === 0) return;
    const wake = (): void => {
      this.#wakeAtMs = 0;
      this.#pump.push({ kind: "woken" });
    };
    this.#waker = setTimeout(wake, Math.max(1, Math.ceil(wakeAtMs - performance.now())));
  }

  /**
   * Asks the store for word of every batch while something waits for the state or watches it, and of none otherwise. What was applied
   * after `seenIndex` was read and before the store could see the wish is looked for here, so that no batch goes unnoticed.
   */
  #showAwaiting(seenIndex: number): void {
    const awaitsState = this.#ingress.awaitsState || this.#http.isWatched;
    if (awaitsState === this.#awaitsState) return;
    this.#awaitsState = awaitsState;
    const { board } = this.#context;
    board.set("stateAwaited", awaitsState ? 1 : 0);
    if (awaitsState && board.get("appliedIndex") > seenIndex) this.#pump.push({ kind: "stateMoved" });
  }

  #open({ generation, path }: OpenView): void {
    this.#views = this.#views.then(async () => {
      try {
        const opened = await this.#openStateView(path, this.#context.board);
        const before = this.#view;
        this.#view = opened;
        await before?.close();
        this.#pump.push({ kind: "viewOpened", generation });
      } catch (cause) {
        this.#context.fail(cause);
      }
    });
  }

  view(): StateView | undefined {
    return this.#view;
  }

  freshAtMs(): number {
    return this.#context.board.get("freshAtMs");
  }

  sinceAppliedMs(): number {
    return Math.max(0, monotonicMs() - this.#context.board.get("appliedAtUs") / 1000);
  }

  nowMs(): number {
    return monotonicMs();
  }

  submit(requestId: number, request: IngressRequest, deadlineMs: number): void {
    this.#pump.push({ kind: "request", requestId, request, deadlineMs });
  }

  cancel(requestId: number): void {
    this.#pump.push({ kind: "cancelled", requestId });
  }

  status(): object {
    const { config, board } = this.#context;
    const uptimeMs = this.#upBeforeMs + performance.now();
    return describeStatus(config, board, this.#ingress.standing, { advertised: this.#advertised, uptimeMs });
  }

  readiness(): readonly ReadinessCheck[] {
    const { config, board } = this.#context;
    return checkReadiness(config.identity.nodeId, board, this.#ingress.standing, monotonicMs());
  }

  async metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#metrics.contentType, text: await this.#metrics.metrics() };
  }

  warn(message: string, fields: LogFields): void {
    this.#context.supervisor.log("warn", message, fields);
  }

  fail(cause: unknown): void {
    this.#context.fail(cause);
  }
}

function listenAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new StartError(`http ${text} is not host:port`);
  return address;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
