/**
 * @module
 * The simulated cluster: machines, the network between them, and the watch over all of it.
 */

import type { RaftConfig } from "../../src/actors/protocol/config.ts";
import type { RaftActorEffects } from "../../src/actors/raft/input.ts";
import { StorageError } from "../../src/errors/balsa-error.ts";
import type { Outcome } from "../../src/http/request.ts";
import type { Member } from "../../src/raft/types.ts";
import type { PeerMessage } from "../../src/transport/message-parser.ts";
import { incarnationOf, Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { SimulatedProcess, type Surroundings } from "./process.ts";
import { SnapshotTransfers } from "./snapshot-transfer.ts";
import { tickMs } from "./swarm.ts";
import { ClientWatch } from "./watch/client-watch.ts";
import { Ledger } from "./watch/ledger.ts";
import { RaftWatch } from "./watch/raft-watch.ts";
import { ReadWatch } from "./watch/read-watch.ts";
import { StoreWatch } from "./watch/store-watch.ts";
import { Violation, type World } from "./world.ts";

export type OnAnswer = (process: SimulatedProcess, requestId: number, outcome: Outcome) => void;

export class Cluster implements Surroundings {
  readonly world: World;
  readonly machines: Map<string, Machine> = new Map();
  readonly network: Network;
  readonly ledger: Ledger;
  readonly clientWatch: ClientWatch;
  readonly storeWatch: StoreWatch;
  readonly #raftWatch: RaftWatch;
  readonly #readWatch: ReadWatch;
  readonly #transfers: SnapshotTransfers;
  /** Called with every answer, and when a process ends. */
  onAnswer: OnAnswer = () => undefined;
  onEnded: (process: SimulatedProcess) => void = () => undefined;

  constructor(world: World) {
    this.world = world;
    this.network = new Network(world, this.machines);
    this.#transfers = new SnapshotTransfers(world, this.network, this.machines);
    this.ledger = new Ledger(world);
    this.#raftWatch = new RaftWatch(world, this.ledger, this.machines);
    this.#readWatch = new ReadWatch(world, this.ledger);
    this.storeWatch = new StoreWatch(world, this.ledger);
    this.clientWatch = new ClientWatch(world, this.ledger);
  }

  get processes(): SimulatedProcess[] {
    const processes: SimulatedProcess[] = [];
    for (const { process } of this.machines.values()) if (process !== null) processes.push(process);
    return processes;
  }

  addMachine(id: string, founds: boolean): Machine {
    const machine = new Machine(this.world, id, founds);
    this.machines.set(id, machine);
    return machine;
  }

  start(machine: Machine): void {
    if (machine.process !== null) return;
    machine.starts += 1;
    const { trace, coverage } = this.world;
    trace.note("start", machine.id, "process", machine.starts);
    if (machine.starts > 1) coverage.sometimes("a node was restarted");
    const random = this.world.random(`starts of ${machine.id}`);
    const config = this.#configOf(machine, random.below(2 ** 31));
    machine.process = new SimulatedProcess(this.world, machine, config, originOf(machine), this);
    machine.process.start();
  }

  /** The process is gone, with the machine's power or without. */
  end(machine: Machine, { withPower }: { readonly withPower: boolean }): void {
    const { process } = machine;
    if (process === null) return;
    this.world.trace.note(withPower ? "end" : "power cut", machine.id, "process", process.number);
    process.isAlive = false;
    machine.process = null;
    machine.disk.end(withPower);
    this.network.onEnded(machine.id, withPower);
    this.#transfers.onEnded(process);
    this.onEnded(process);
    if (this.processes.length === 0) this.world.coverage.sometimes("all nodes were down");
  }

  /** What reads wrong is put right while nobody reads it. */
  mend(machine: Machine): void {
    if (machine.rows.isDamaged) this.end(machine, { withPower: true });
    machine.rows.mend();
    machine.disk.mend();
  }

  beforeRaftTurn: Surroundings["beforeRaftTurn"] = (process, inputs) => {
    this.#raftWatch.before(process, inputs);
    this.#readWatch.before(process, inputs);
  };

  afterRaftTurn(process: SimulatedProcess, effects: RaftActorEffects): void {
    this.#raftWatch.after(process, effects);
    this.#readWatch.after(process, effects);
    const installs = effects.toLog.some(({ kind }) => kind === "reset");
    if (installs && this.world.hits("crashWhileInstalling")) this.#crashSoon(process);
  }

  carry(process: SimulatedProcess, { toPeers, serviceToPeers, sendSnapshots }: RaftActorEffects): void {
    const byPeer = new Map<string, PeerMessage[]>();
    const add = (to: string, message: PeerMessage): void => {
      const known = byPeer.get(to);
      if (known === undefined) byPeer.set(to, [message]);
      else known.push(message);
    };
    for (const { message, entries } of toPeers) add(message.to, { kind: "core", message, entries });
    for (const { to, message } of serviceToPeers) add(to, { kind: "service", message });
    for (const [to, messages] of byPeer) this.network.send(process, to, messages);
    for (const send of sendSnapshots) this.#transfers.begin(process, send);
  }

  answer(process: SimulatedProcess, requestId: number, outcome: Outcome): void {
    this.onAnswer(process, requestId, outcome);
  }

  onApplied: Surroundings["onApplied"] = (process, meta) => this.storeWatch.onApplied(process, meta);

  onInstalled: Surroundings["onInstalled"] = (process, meta, rows) => {
    const { core } = process.raft;
    const { coverage } = this.world;
    if (core === null) coverage.sometimes("a snapshot was installed at the start");
    else if (core.log.lastIndex > core.log.commitIndex)
      coverage.sometimes("a snapshot was installed over a divergent log");
    this.storeWatch.onInstalled(process, meta, rows);
  };

  onFailed(process: SimulatedProcess, cause: unknown): void {
    const { machine } = process;
    if (cause instanceof StorageError && (machine.disk.hasFailed || machine.rows.isDamaged)) {
      if (machine.rows.isDamaged) this.world.coverage.sometimes("a damaged log was refused");
      return this.end(machine, { withPower: true });
    }
    if (cause instanceof Violation) return this.world.report(cause);
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    this.world.report(new Violation("A node never fails by itself", `${process.id}: ${why}`));
  }

  /** In one of the steps of an installation. */
  #crashSoon({ machine, id }: SimulatedProcess): void {
    const random = this.world.random(`crashes of ${id}`);
    const [delayUs, downUs, withPower] = [random.logUniform(150, 200_000), random.below(500_000), random.chance(0.5)];
    this.world.fault("crashWhileInstalling", id, "", [], () => {
      this.world.schedule.after(delayUs, () => this.end(machine, { withPower }));
      this.world.schedule.after(delayUs + downUs, () => {
        if (!machine.isRetired) this.start(machine);
      });
    });
  }

  #configOf(machine: Machine, seed: number): RaftConfig {
    const { swarm } = this.world;
    const { id } = machine;
    const { httpAddr, raftAddr } = memberOf(id);
    return {
      identity: machine.identity,
      addresses: { httpListen: httpAddr, raftListen: raftAddr, httpAdvertise: httpAddr, raftAdvertise: raftAddr },
      options: {
        id,
        seed,
        tickMs,
        electionTimeoutTicks: swarm.electionTimeoutTicks,
        heartbeatTicks: swarm.heartbeatTicks,
        preVote: swarm.preVote,
        checkQuorum: swarm.checkQuorum,
        voteHoldMs: swarm.leaseReads ? tickMs * swarm.electionTimeoutTicks : 0,
        inflightMessagesMax: swarm.inflightMessagesMax,
        inflightBytesMax: 1 << 20,
        appendBytesMax: swarm.appendBytesMax,
        uncommittedBytesMax: swarm.uncommittedBytesMax,
        applyingBytesMax: swarm.applyingBytesMax,
        tailBytesMax: swarm.tailBytesMax,
        pendingReadsMax: 100,
        trailingEntries: swarm.trailingEntries,
        commitNotice: swarm.commitNotice,
        readConfirmation: swarm.readConfirmation,
      },
      bootstrap: machine.founds,
      snapshotLogBytes: swarm.snapshotLogBytes,
      peerQueueBytesMax: 1 << 26,
      frameBytesMax: 1 << 24,
    };
  }
}

/** Tells the commands of this machine's present process. */
export function originOf({ id, starts }: Machine): number {
  return Number.parseInt(id.slice(1), 10) * 1000 + starts;
}

export function memberOf(id: string): Member {
  const number = Number.parseInt(id.slice(1), 10);
  return {
    httpAddr: `10.0.0.${number}:8090`,
    raftAddr: `10.0.0.${number}:9090`,
    incarnation: incarnationOf(id),
    standing: "voter",
  };
}
