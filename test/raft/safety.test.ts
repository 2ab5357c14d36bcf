import { expect } from "chai";
import { describe, it } from "mocha";
import { bootstrap } from "../../src/raft/bootstrap.ts";
import { createRandom, drawBelow, type RandomState } from "../../src/raft/random.ts";
import { type ConfigurationStep, emptyConfiguration } from "../../src/raft/types.ts";
import { CoreCluster } from "../support/core-cluster.ts";
import { type CoreNode, configurationOf, memberOf } from "../support/core-node.ts";
import { SafetyChecker } from "./safety-checker.ts";

const seeds = 300;
const stepsPerSeed = 1000;

/** One run: every kind of step drawn at random, then everything heals and must come to rest as one. */
class Run {
  readonly cluster: CoreCluster;
  readonly checker: SafetyChecker;
  readonly #random: RandomState;
  readonly #membership: boolean;
  #proposed = 0;
  #asked = 0;

  constructor(seed: number, { membership }: { readonly membership: boolean }) {
    this.#random = createRandom(seed);
    this.#membership = membership;
    const ids = ["a", "b", "c", "d", "e"].slice(0, membership || this.#draw(2) === 0 ? 5 : 3);
    const changes = {
      seed,
      electionTimeoutTicks: 4 + this.#draw(6),
      preVote: membership || this.#draw(4) > 0,
      checkQuorum: membership || this.#draw(4) > 0,
      inflightMessagesMax: 1 + this.#draw(8),
      appendBytesMax: 60 + this.#draw(300),
      applyingBytesMax: 60 + this.#draw(300),
      tailBytesMax: this.#draw(2) === 0 ? 1 << 20 : 200,
      trailingEntries: this.#draw(5),
      commitNotice: this.#draw(2) === 0 ? ("eager" as const) : ("withEntries" as const),
      readConfirmation: this.#draw(2) === 0 ? ("round" as const) : ("asker" as const),
    };
    this.cluster = new CoreCluster(ids, changes, membership ? emptyConfiguration : configurationOf(ids));
    this.checker = new SafetyChecker(this.cluster);
    if (membership) this.#found();
  }

  /** The first node founds the cluster; others join by changes that are drawn. */
  #found(): void {
    bootstrap(this.cluster.node("a").state, memberOf("a"));
    this.#settle();
    for (const nodeId of ["b", "c"]) {
      this.cluster.change("a", { steps: [{ kind: "addVoter", nodeId, member: memberOf(nodeId) }], transition: "auto" });
      this.#settle();
    }
  }

  fault(): void {
    const node = this.#pick(this.cluster.nodes);
    if (this.#draw(100) === 0) this.#cutOrHeal(node);
    if (this.#membership && this.#draw(25) === 0) this.#change(node);
    if (!node.alive) {
      if (this.#draw(4) === 0) this.#restart(node);
      return;
    }
    const drawn = this.#draw(100);
    if (drawn < 14) node.step({ kind: "tick" });
    else if (drawn < 61) this.#network();
    else if (drawn < 73) node.persist();
    else if (drawn < 79) node.apply();
    else if (drawn < 83) node.read();
    else if (drawn < 91) this.#propose(node);
    else if (drawn < 93) this.#ask(node);
    else if (drawn < 94) node.step({ kind: "transferLeadership", transferee: this.#pick(this.cluster.nodes).id });
    else if (drawn < 95) this.cluster.work(node);
    else if (drawn < 96) node.step({ kind: "peerDisconnected", peer: this.#pick(this.cluster.nodes).id });
    else if (drawn < 99 && node.disk.appliedIndex > 0 && node.installing === null) node.snapshot();
    else if (drawn === 99 && this.#draw(3) === 0) return node.crash(this.#draw(node.appends.length + 1));
    if (this.#draw(3) > 0) this.#turn(node);
  }

  heal(): void {
    this.cluster.heal();
    for (const node of this.cluster.nodes) if (!node.alive) this.#restart(node);
    for (let tick = 0; tick < 200; tick += 1) {
      for (const node of this.cluster.nodes) node.step({ kind: "tick" });
      this.#settle();
    }
    this.#propose(this.cluster.leaders[0] ?? this.#pick(this.cluster.nodes));
    this.#settle();
  }

  /** As the cluster's own, with the checker looking on. */
  #settle(): void {
    for (let round = 0; round < 300; round += 1) {
      let worked = false;
      for (const node of this.cluster.nodes) {
        this.#turn(node);
        worked = this.cluster.work(node) || worked;
        this.#turn(node);
      }
      const arriving = this.cluster.network;
      this.cluster.network = [];
      for (const message of arriving) this.cluster.deliver(message);
      if (!worked && arriving.length === 0) return;
    }
    throw new Error("the cluster does not come to rest");
  }

  /** Any step about anybody, simple or joint: most are refused. */
  #change(node: CoreNode): void {
    const steps: ConfigurationStep[] = [];
    const wanted = 1 + this.#draw(2);
    while (steps.length < wanted) {
      const nodeId = this.#pick(this.cluster.nodes).id;
      const kind = this.#pick(["addVoter", "addLearner", "addVoter", "remove"] as const);
      const member = memberOf(nodeId, this.#pick(["voter", "learner"]));
      steps.push(kind === "remove" ? { kind, nodeId } : { kind, nodeId, member });
    }
    this.cluster.change(node.id, { steps, transition: this.#pick(["auto", "jointImplicit"]) });
  }

  #cutOrHeal(node: CoreNode): void {
    if (this.#draw(2) === 0) this.cluster.isolate(node.id);
    else this.cluster.heal();
  }

  #turn(node: CoreNode): void {
    this.checker.onTurn(node, this.cluster.turn(node));
  }

  #restart(node: CoreNode): void {
    node.restart({ rebuilt: this.#draw(2) === 0 });
    this.checker.onRestart(node);
  }

  /** Delivers, drops, or delivers and keeps, a message from anywhere in the queue. */
  #network(): void {
    const { network } = this.cluster;
    if (network.length === 0) return;
    const position = this.#draw(3) === 0 ? this.#draw(network.length) : 0;
    const message = network[position];
    if (message === undefined) return;
    const fate = this.#draw(20);
    if (fate !== 0) network.splice(position, 1);
    if (fate !== 1) this.cluster.deliver(message);
    const receiver = this.cluster.node(message.to);
    if (receiver.alive && this.#draw(2) === 0) this.#turn(receiver);
  }

  #propose(node: CoreNode): void {
    this.#proposed += 1;
    this.cluster.propose(node.id, `${this.#proposed}`, this.#proposed);
  }

  #ask(node: CoreNode): void {
    this.#asked += 1;
    this.checker.onReadAsked(node, this.#asked);
    node.step({ kind: "readIndex", readId: this.#asked });
  }

  #draw(below: number): number {
    return drawBelow(this.#random, below);
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#draw(items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }
}

function totalOf(runs: readonly Run[], count: keyof SafetyChecker["counts"]): number {
  return runs.reduce((sum, { checker }) => sum + checker.counts[count], 0);
}

/** Runs every seed; what is left at the end must have come to rest with one leader and equal logs. */
function runAll({ membership }: { readonly membership: boolean }): Run[] {
  const runs: Run[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      const run = new Run(seed, { membership });
      for (let step = 0; step < stepsPerSeed; step += 1) run.fault();
      run.heal();
      const leader = run.cluster.leaders[0];
      expect(run.cluster.leaders).to.have.length(1);
      const { voters, learners } = leader?.state.configuration ?? emptyConfiguration;
      for (const id of [...voters, ...learners]) expect(run.cluster.node(id).commands).to.deep.equal(leader?.commands);
      expect(leader?.commands).to.not.have.length(0);
      runs.push(run);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    }
  }
  return runs;
}

describe("safety under random faults (Figure 3)", () => {
  it(`holds over ${seeds} seeds, and every run comes to rest with equal logs`, () => {
    const runs = runAll({ membership: false });
    // A run that provokes nothing proves nothing.
    for (const count of ["elections", "truncations", "applied", "reads", "installs"] as const) {
      expect(totalOf(runs, count), count).to.be.greaterThan(seeds / 20);
    }
  }).timeout(20_000);

  it(`holds over ${seeds} seeds while members come and go`, () => {
    const runs = runAll({ membership: true });
    for (const count of ["elections", "truncations", "changes", "joint", "installs"] as const) {
      expect(totalOf(runs, count), count).to.be.greaterThan(seeds / 20);
    }
  }).timeout(20_000);
});
