/**
 * @module
 * One run of one seed: a storm in which nothing may go wrong that must not, then calm in which everything must come
 * right within bounds.
 */

import { nextTick } from "node:process";
import { clusterTime } from "../../src/raft/append-own.ts";
import { isJoint } from "../../src/raft/configuration.ts";
import { Clients, Requests } from "./clients.ts";
import { Cluster } from "./cluster.ts";
import { Coverage } from "./coverage.ts";
import { withoutProcessTime } from "./forbidden.ts";
import { found } from "./found.ts";
import type { Machine } from "./machine.ts";
import { Nemesis } from "./nemesis.ts";
import type { SimulatedProcess } from "./process.ts";
import { Schedule } from "./schedule.ts";
import { drawSwarm, tickMs } from "./swarm.ts";
import { Trace } from "./trace.ts";
import { Violation, World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  /** Classes of faults that are left out. */
  readonly without?: ReadonlySet<string>;
  /** Single faults that are left out, by number. */
  readonly skipped?: ReadonlySet<number>;
  readonly coverage?: Coverage;
  readonly print?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  /** Null: all went well. */
  readonly violation: Violation | null;
  readonly digest: string;
  readonly events: number;
  readonly simulatedUs: number;
  readonly faults: readonly { readonly number: number; readonly line: string }[];
}

const settled = Promise.resolve();
/** Election timeouts until there must be a leader, after the storm. */
const electionTimeoutsMax = 10;
/** Without pre-votes, who cannot win may be the first to campaign several times running, and each time the others wait anew. */
const unvotedTimeoutsMax = 20;
const settleUs = 20_000_000;
const calmUs = 500_000;
const stepUs = 50_000;
const leasesLateMsMax = 2_000;

/** Never rejects for what the simulated nodes do. */
export function simulate(options: RunOptions): Promise<RunResult> {
  return withoutProcessTime(() => withStacks(options.print !== undefined, () => new Simulation(options).run()));
}

/** Errors say that rows have to be read first, thousands of times a run: where from, only the reader of a trace asks. */
async function withStacks<Result>(areWanted: boolean, work: () => Promise<Result>): Promise<Result> {
  const { stackTraceLimit } = Error;
  if (!areWanted) Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class Simulation {
  readonly #seed: number;
  readonly #world: World;
  readonly #schedule = new Schedule();
  readonly #trace: Trace;
  readonly #cluster: Cluster;
  readonly #requests: Requests;
  readonly #clients: Clients;
  readonly #nemesis: Nemesis;

  constructor({ seed, without, skipped, coverage, print }: RunOptions) {
    this.#seed = seed;
    this.#trace = new Trace(() => this.#schedule.now, print ?? null);
    const parts = { schedule: this.#schedule, trace: this.#trace, coverage: coverage ?? new Coverage() };
    this.#world = new World(drawSwarm(seed, without ?? new Set()), parts, skipped ?? new Set());
    this.#cluster = new Cluster(this.#world);
    this.#requests = new Requests(this.#cluster);
    this.#clients = new Clients(this.#cluster, this.#requests);
    this.#nemesis = new Nemesis(this.#cluster, this.#requests);
  }

  async run(): Promise<RunResult> {
    let violation: Violation | null = null;
    try {
      await this.#found();
      await this.#storm();
      await this.#calm();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error;
      this.#trace.note("violation", "", "");
    }
    return {
      seed: this.#seed,
      violation,
      digest: this.#trace.digest,
      events: this.#trace.events,
      simulatedUs: this.#schedule.now,
      faults: this.#world.faultLines,
    };
  }

  async #found(): Promise<void> {
    let isFounded = false;
    void found(this.#cluster).then(() => {
      isFounded = true;
    });
    await this.#drain();
    await this.#until("the cluster is founded", 1_000_000, () => isFounded);
  }

  async #storm(): Promise<void> {
    this.#world.stormy = true;
    for (const machine of this.#cluster.machines.values()) this.#cluster.start(machine);
    this.#clients.start();
    this.#nemesis.start();
    await this.#runTo(this.#schedule.now + this.#world.swarm.stormUs);
  }

  async #calm(): Promise<void> {
    this.#nemesis.end(this.#staysDown());
    await this.#runTo(this.#world.restlessUntil);
    await this.#until("a leader is elected", this.#electionUs, () => this.#hasLeader());
    await this.#runTo(this.#schedule.now + calmUs);
    this.#clients.close();
    await this.#until("every request is answered", settleUs, () => {
      const overdue = this.#requests.overdue(1_000);
      this.#world.check(overdue.length === 0, "Every request is answered once", () => `no answer: ${overdue.join()}`);
      return this.#requests.waiting === 0;
    });
    await this.#until("no change of members is under way", settleUs, () => this.#isSettledConfiguration());
    await this.#loseOne();
    await this.#askAll();
    await this.#until("all members are equal", settleUs, () => this.#areEqual());
    for (const { id, store } of this.#members()) {
      if (store.meta !== null) this.#cluster.storeWatch.checkWhole(id, store.meta, store.current());
    }
    await this.#until("leases that are due have ended", settleUs, () => this.#haveLeasesEnded());
    await this.#until("watches have been given every change", settleUs, () => this.#clients.haveSeenAll);
  }

  /** One voter may stay down for good, provided that no change of members is under way which counts on it. */
  #staysDown(): string | null {
    const { faults } = this.#world.swarm;
    return faults.has("churn") || faults.has("jointChange") ? null : (this.#drawLost()?.lost.id ?? null);
  }

  /**
   * A voter is lost for good when the members have just changed, and others lose their power in the same moment: who
   * comes back and counts with the members of before has to hear of the present ones, and all must go on.
   */
  async #loseOne(): Promise<void> {
    const { machines, processes } = this.#cluster;
    const drawn = processes.length < machines.size ? null : this.#drawLost();
    if (drawn === null) return;
    const { lost, knower } = drawn;
    const random = this.#world.random("lost");
    lost.isRetired = true;
    for (const machine of machines.values()) {
      if (machine.id === knower || (machine !== lost && random.chance(0.4))) continue;
      this.#cluster.end(machine, { withPower: false });
      if (machine !== lost) this.#cluster.start(machine);
    }
    this.#world.coverage.sometimes("a voter was lost for good");
    await this.#elect();
  }

  /** A voter that the others can do without, and one of them that knows the present members. */
  #drawLost(): { readonly lost: Machine; readonly knower: string } | null {
    const { configuration, configurations } = this.#cluster.ledger;
    const { voters } = configuration;
    const random = this.#world.random("stays down");
    if (isJoint(configuration) || voters.length < 3 || random.chance(0.4)) return null;
    const lost = this.#cluster.machines.get(random.pick(voters));
    const changedAt = configurations.at(-1)?.index ?? 0;
    const knower = this.#cluster.processes.find(({ id, raft: { core } }) => {
      return id !== lost?.id && voters.includes(id) && (core?.log.commitIndex ?? 0) >= changedAt;
    });
    return lost === undefined || knower === undefined ? null : { lost, knower: knower.id };
  }

  /** An election timeout for those who led to notice that they do not any more, then there must be a leader. */
  async #elect(): Promise<void> {
    const timeoutUs = this.#world.swarm.electionTimeoutTicks * tickMs * 1000;
    await this.#runTo(this.#schedule.now + 2 * timeoutUs);
    await this.#until("a leader is elected", this.#electionUs, () => this.#hasLeader());
    await this.#runTo(this.#schedule.now + calmUs);
  }

  get #electionUs(): number {
    const { preVote, electionTimeoutTicks } = this.#world.swarm;
    return (preVote ? electionTimeoutsMax : unvotedTimeoutsMax) * electionTimeoutTicks * tickMs * 1000;
  }

  #members(): SimulatedProcess[] {
    const { members } = this.#cluster.ledger.configuration;
    return this.#cluster.processes.filter(({ id }) => Object.hasOwn(members, id));
  }

  #leader(): SimulatedProcess | undefined {
    const leaders = this.#cluster.processes.filter(({ raft }) => raft.core?.role === "leader");
    return leaders.sort((one, other) => (other.raft.core?.currentTerm ?? 0) - (one.raft.core?.currentTerm ?? 0))[0];
  }

  #hasLeader(): boolean {
    return this.#leader() !== undefined;
  }

  #isSettledConfiguration(): boolean {
    const { configuration } = this.#cluster.ledger;
    if (configuration.votersOutgoing.length > 0) {
      if (!configuration.autoLeave) this.#nemesis.leaveJoint();
      return false;
    }
    return configuration.learners.every((id) => configuration.members[id]?.standing === "learner");
  }

  /** A write, then a linearizable read on every member: both must be answered. */
  async #askAll(): Promise<void> {
    const key = Buffer.from("last");
    const put = {
      kind: "put",
      key,
      value: Buffer.from("last value"),
      leaseId: 0,
      condition: { kind: "none" },
    } as const;
    await this.#until("all members have applied the last change of members", settleUs, () => this.#knowTheirPlace());
    let asker = this.#leader();
    await this.#until("a last write is applied", settleUs, () => {
      asker = this.#leader();
      return asker !== undefined;
    });
    if (asker === undefined) return;
    const timeoutMs = 15_000;
    const answers: string[] = [];
    const answered = (outcome: { readonly kind: string } | null): void => void answers.push(outcome?.kind ?? "lost");
    this.#requests.ask(asker, { kind: "write", redirect: false, operation: put }, { key, timeoutMs }, answered);
    await this.#until("a last write is applied", settleUs, () => answers.length === 1);
    const readers = this.#members();
    for (const process of readers) {
      const read = { kind: "read", stale: false, minRevision: 0, redirect: false } as const;
      this.#requests.ask(process, read, { key, timeoutMs }, answered);
    }
    await this.#until("last reads are answered", settleUs, () => answers.length === 1 + readers.length);
    const isWell = answers[0] === "applied" && answers.slice(1).every((kind) => kind === "readable");
    this.#world.check(isWell, "Liveness after healing", () => `the last requests end ${answers.join()}`);
  }

  /** Who was removed and is added again refuses reads, and rightly so, until it has applied that. */
  #knowTheirPlace(): boolean {
    const changedAt = this.#cluster.ledger.configurations.at(-1)?.index ?? 0;
    return this.#members().every(({ raft, ingress }) => {
      return (raft.core?.log.appliedIndex ?? 0) >= changedAt && !ingress.standing.leadership.removed;
    });
  }

  #areEqual(): boolean {
    const { commitIndex } = this.#cluster.ledger;
    return this.#members().every(({ store }) => store.meta?.appliedIndex === commitIndex);
  }

  /** Those whose time was up a while ago. */
  #haveLeasesEnded(): boolean {
    const core = this.#leader()?.raft.core ?? null;
    if (core === null) return false;
    const { leases, termStartTime } = this.#cluster.ledger.model;
    const dueBefore = clusterTime(core) - leasesLateMsMax;
    return [...leases.values()].every(
      ({ renewedTime, ttlMs }) => Math.max(renewedTime, termStartTime) + ttlMs >= dueBefore,
    );
  }

  async #until(what: string, withinUs: number, condition: () => boolean): Promise<void> {
    const limit = this.#schedule.now + withinUs;
    while (!condition()) {
      this.#world.check(this.#schedule.now < limit, "Liveness after healing", () => {
        return `${withinUs / 1e6} s and not: ${what}; ${this.#standing()}`;
      });
      await this.#runTo(this.#schedule.now + stepUs);
    }
  }

  /** What everybody is at, for the reader of a violation. */
  #standing(): string {
    const nodes = this.#cluster.processes.map(({ id, raft: { core }, store }) => {
      if (core === null) return `${id} not begun`;
      const { voters, votersOutgoing } = core.configuration;
      const counts = votersOutgoing.length > 0 ? `${voters.join()}&${votersOutgoing.join()}` : voters.join();
      const { commitIndex, lastIndex } = core.log;
      return `${id} ${core.role} term ${core.currentTerm} applied ${store.meta?.appliedIndex ?? 0} commit ${commitIndex} last ${lastIndex} [${counts}]`;
    });
    return nodes.join("; ");
  }

  async #runTo(time: number): Promise<void> {
    const world = this.#world;
    while (this.#step(time)) {
      if (world.isTouched) await this.#drain();
      if (world.violation !== null) throw world.violation;
    }
  }

  /** Whatever an event throws is a violation: nodes catch what is theirs. */
  #step(time: number): boolean {
    try {
      return this.#schedule.step(time);
    } catch (error) {
      if (error instanceof Violation) throw error;
      throw new Violation(
        "Nothing is thrown between nodes",
        error instanceof Error ? (error.stack ?? "") : String(error),
      );
    }
  }

  /** Lets promises run until they wait for simulated things alone: a tick comes when no microtask is left. */
  async #drain(): Promise<void> {
    await settled;
    await new Promise<void>(nextTick);
    this.#world.isTouched = false;
  }
}
