/**
 * @module
 * What goes wrong: each class of faults draws from a stream of its own when, whom and how.
 */

import type { MemberChange } from "../../src/http/request.ts";
import type { ConfigurationChange } from "../../src/raft/types.ts";
import type { Requests } from "./clients.ts";
import { type Cluster, memberOf } from "./cluster.ts";
import { DiskFaults } from "./disk-faults.ts";
import type { Machine } from "./machine.ts";
import { actorNames, type SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import type { FaultClass } from "./swarm.ts";
import type { World } from "./world.ts";

const machinesMax = 8;
const adminTimeoutMs = 5_000;

type Inflict = (random: Random) => void;

export class Nemesis {
  readonly #cluster: Cluster;
  readonly #world: World;
  readonly #requests: Requests;
  #proposals = 0;

  constructor(cluster: Cluster, requests: Requests) {
    this.#cluster = cluster;
    this.#world = cluster.world;
    this.#requests = requests;
  }

  start(): void {
    const inflictions = this.#inflictions();
    for (const name of Object.keys(inflictions) as FaultClass[]) {
      const inflict = inflictions[name];
      if (this.#world.rate(name) > 0 && inflict !== undefined) this.#next(name, inflict);
    }
    this.#setDrift();
  }

  /** The storm is over: everything runs, and everything is reached, but for those that stay down. */
  end(staysDown: string | null): void {
    const { network, machines } = this.#cluster;
    this.#world.stormy = false;
    network.heal();
    for (const machine of machines.values()) {
      this.#cluster.mend(machine);
      machine.setClock({ rate: 1 });
      machine.isRetired = machine.id === staysDown;
      if (machine.isRetired) this.#cluster.end(machine, { withPower: false });
      else this.#cluster.start(machine);
    }
  }

  #next(name: FaultClass, inflict: Inflict): void {
    const random = this.#world.random(`nemesis ${name}`);
    this.#world.schedule.after(random.waitUs(this.#world.rate(name)), () => {
      if (!this.#world.stormy) return;
      inflict(random);
      this.#next(name, inflict);
    });
  }

  #inflictions(): Partial<Record<FaultClass, Inflict>> {
    return {
      reset: (random) => this.#reset(random),
      clog: (random) => this.#clog(random),
      cutNode: (random) => this.#cutNode(random),
      cutLeader: (random) => this.#cutLeader(random),
      cutHalves: (random) => this.#cutHalves(random),
      cutOneWay: (random) => this.#cutOneWay(random),
      cutRing: (random) => this.#cutRing(random),
      farNode: (random) => this.#farNode(random),
      ...new DiskFaults(this.#cluster, (delayUs, work) => this.#after(delayUs, work)).inflictions(),
      kill: (random) => this.#crash("kill", random, true),
      powerCut: (random) => this.#crash("powerCut", random, false),
      powerCutOfAll: (random) => this.#powerCutOfAll(random),
      pause: (random) => this.#pause(random),
      stalledActor: (random) => this.#stallActor(random),
      clockJump: (random) => this.#clockJump(random),
      churn: (random) => this.#churn(random),
      jointChange: (random) => this.#jointChange(random),
      transfer: (random) => this.#transfer(random),
    };
  }

  #machine(random: Random): Machine {
    return random.pick([...this.#cluster.machines.values()]);
  }

  #process(random: Random): SimulatedProcess | null {
    const { processes } = this.#cluster;
    // Leaders are hit as often as all others together: there most is at stake.
    const leaders = processes.filter(({ raft }) => raft.core?.role === "leader");
    if (leaders.length > 0 && random.chance(0.4)) return random.pick(leaders);
    return processes.length === 0 ? null : random.pick(processes);
  }

  #after(delayUs: number, work: () => void): void {
    this.#world.schedule.after(delayUs, () => {
      if (this.#world.stormy) work();
    });
  }

  #two(random: Random): [string, string] | null {
    const [one, other] = random.some([...this.#cluster.machines.keys()], 2);
    return one === undefined || other === undefined ? null : [one, other];
  }

  #reset(random: Random): void {
    const two = this.#two(random);
    if (two === null) return;
    const [from, to] = two;
    this.#world.fault("reset", `${from}>${to}`, "", [], () => this.#cluster.network.reset(from, to));
  }

  #clog(random: Random): void {
    const two = this.#two(random);
    if (two !== null) this.#cut("clog", random, [two], random.logUniform(5_000, 1_000_000));
  }

  #cutNode(random: Random): void {
    const { id } = this.#process(random) ?? this.#machine(random);
    const others = [...this.#cluster.machines.keys()].filter((other) => other !== id);
    this.#cut("cutNode", random, bothWays(others.map((other) => [id, other])));
  }

  /** For long enough that there is another one meanwhile; clients may still reach it, so that its log grows apart. */
  #cutLeader(random: Random): void {
    const leaders = this.#cluster.processes.filter(({ raft }) => raft.core?.role === "leader");
    if (leaders.length === 0) return;
    const { id } = random.pick(leaders);
    const others = [...this.#cluster.machines.keys()].filter((other) => other !== id);
    const company = random.chance(0.3) ? random.some(others, 1) : [];
    const cutOff = others.filter((other) => !company.includes(other));
    const ways = bothWays([id, ...company].flatMap((one) => cutOff.map((other): [string, string] => [one, other])));
    const timeoutUs = this.#world.swarm.electionTimeoutTicks * 100_000;
    this.#cut("cutLeader", random, ways, timeoutUs * random.logUniform(1, 5));
  }

  #cutHalves(random: Random): void {
    const ids = [...this.#cluster.machines.keys()];
    const one = random.some(ids, random.below(ids.length));
    const other = ids.filter((id) => !one.includes(id));
    this.#cut("cutHalves", random, bothWays(one.flatMap((a) => other.map((b): [string, string] => [a, b]))));
  }

  #cutOneWay(random: Random): void {
    const ids = [...this.#cluster.machines.keys()];
    const [from = ""] = random.some(ids, 1);
    const others = random.some(ids, random.between(1, ids.length + 1)).filter((id) => id !== from);
    const ways = others.map((to): [string, string] => (random.chance(0.5) ? [from, to] : [to, from]));
    this.#cut("cutOneWay", random, ways);
  }

  /** Each reaches its two neighbours alone. */
  #cutRing(random: Random): void {
    const ids = random.some([...this.#cluster.machines.keys()], machinesMax);
    const ways: [string, string][] = [];
    for (const [at, a] of ids.entries()) {
      for (const [over, b] of ids.entries()) {
        const distance = Math.abs(at - over);
        if (distance > 1 && distance < ids.length - 1) ways.push([a, b]);
      }
    }
    // Of three, one link is cut.
    const [a, b] = ids;
    if (ids.length === 3 && a !== undefined && b !== undefined) ways.push([a, b], [b, a]);
    this.#cut("cutRing", random, ways);
  }

  /** All links to a node take long, or all from it, or both: what it knows of others is old, or they of it. */
  #farNode(random: Random): void {
    const { id } = this.#process(random) ?? this.#machine(random);
    const others = [...this.#cluster.machines.keys()].filter((other) => other !== id);
    const towards = others.map((other): [string, string] => [other, id]);
    const away = others.map((other): [string, string] => [id, other]);
    const ways = random.pick([towards, towards, away, [...towards, ...away]]);
    const longerUs = Math.round(random.logUniform(20_000, 1_500_000));
    const lengthUs = random.logUniform(200_000, 5_000_000);
    if (ways.length === 0) return;
    this.#world.fault("farNode", id, "forMs longerMs", [lengthUs, longerUs].map(millisecondsOf), () => {
      const end = this.#cluster.network.detour(ways, longerUs);
      this.#world.restlessUntil = Math.max(this.#world.restlessUntil, this.#world.now + lengthUs + longerUs);
      this.#after(lengthUs, end);
    });
  }

  #cut(
    name: FaultClass,
    random: Random,
    ways: readonly (readonly [string, string])[],
    lengthUs = random.logUniform(50_000, 8_000_000),
  ): void {
    if (ways.length === 0) return;
    const said = ways.map((two) => two.join(">")).join();
    this.#world.fault(name, said, "forMs", [millisecondsOf(lengthUs)], () => {
      const mend = this.#cluster.network.cut(ways);
      this.#after(lengthUs, mend);
    });
  }

  #crash(name: "kill" | "powerCut", random: Random, withPower: boolean): void {
    const process = this.#process(random);
    if (process === null) return;
    const { machine } = process;
    const downUs = random.logUniform(5_000, 4_000_000);
    this.#world.fault(name, machine.id, "downMs", [millisecondsOf(downUs)], () => {
      this.#cluster.end(machine, { withPower });
      this.#after(downUs, () => this.#cluster.start(machine));
    });
  }

  #powerCutOfAll(random: Random): void {
    const machines = [...this.#cluster.machines.values()];
    const downs = machines.map(() => random.logUniform(5_000, 2_000_000));
    this.#world.fault("powerCutOfAll", "all", "", [], () => {
      for (const [at, machine] of machines.entries()) {
        this.#cluster.end(machine, { withPower: false });
        this.#after(downs[at] ?? 0, () => this.#cluster.start(machine));
      }
    });
  }

  #pause(random: Random): void {
    const process = this.#process(random);
    const lengthUs = Math.round(random.logUniform(20_000, 6_000_000));
    if (process === null) return;
    this.#world.fault("pause", process.id, "forMs", [millisecondsOf(lengthUs)], () => {
      process.pausedUntil = this.#world.now + lengthUs;
      this.#world.restlessUntil = Math.max(this.#world.restlessUntil, process.pausedUntil);
    });
  }

  #stallActor(random: Random): void {
    const process = this.#process(random);
    const at = random.below(actorNames.length);
    const lengthUs = Math.round(random.logUniform(5_000, 3_000_000));
    const actor = actorNames[at];
    if (process === null || actor === undefined) return;
    this.#world.fault("stalledActor", `${process.id} ${actor}`, "forMs", [millisecondsOf(lengthUs)], () => {
      const untilUs = this.#world.now + lengthUs;
      process.stall(actor, untilUs);
      this.#world.restlessUntil = Math.max(this.#world.restlessUntil, untilUs);
    });
  }

  #setDrift(): void {
    const most = this.#world.rate("drift");
    const random = this.#world.random("nemesis drift");
    for (const machine of this.#cluster.machines.values()) {
      if (most > 0) machine.setClock({ rate: 1 + most * (2 * random.next() - 1) });
    }
  }

  #clockJump(random: Random): void {
    const machine = this.#machine(random);
    const aheadMs = random.logUniform(10, 10_000);
    this.#world.fault("clockJump", machine.id, "aheadMs", [Math.round(aheadMs)], () => machine.setClock({ aheadMs }));
  }

  #churn(random: Random): void {
    const process = this.#process(random);
    const { machines } = this.#cluster;
    const { members } = this.#cluster.ledger.configuration;
    const outside = [...machines.keys()].filter((id) => !Object.hasOwn(members, id));
    const joins = random.chance(0.5) || Object.keys(members).length < 2;
    const nodeId = joins ? (outside[0] ?? `n${machines.size + 1}`) : random.pick(Object.keys(members));
    const standing = random.chance(0.8) ? "voter" : "learner";
    if (process === null || (joins && outside.length === 0 && machines.size >= machinesMax)) return;
    this.#world.fault("churn", `${joins ? "+" : "-"}${nodeId}`, "", [], () => {
      if (!joins) return this.#change(process, { kind: "remove", nodeId });
      const machine = machines.get(nodeId) ?? this.#cluster.addMachine(nodeId, false);
      this.#cluster.start(machine);
      this.#change(process, { kind: "join", member: { ...memberOf(nodeId), nodeId, standing } });
    });
  }

  /** Several members at once, as no route asks for yet, proposed where routes do. */
  #jointChange(random: Random): void {
    const process = this.#process(random);
    const { members } = this.#cluster.ledger.configuration;
    const ids = [...this.#cluster.machines.keys()];
    const chosen = random.some(ids, random.between(1, 4));
    const isExplicit = random.chance(0.3);
    if (process === null || Object.keys(members).length === 0) return;
    const leaves = isExplicit && this.#cluster.ledger.configuration.votersOutgoing.length > 0;
    const change: ConfigurationChange = {
      steps: leaves ? [] : chosen.map((nodeId) => stepFor(nodeId, members, random)),
      transition: leaves ? "auto" : isExplicit ? "jointExplicit" : "jointImplicit",
    };
    this.#world.fault("jointChange", chosen.join(), "", [], () => {
      this.#proposals -= 1;
      const message = { kind: "proposeConfiguration", proposalId: this.#proposals, change } as const;
      process.raftMailbox.push({ kind: "fromIngress", message });
      // Somebody looks after a change that is to be left by hand.
      if (isExplicit) this.#leaveLater(random);
    });
  }

  #leaveLater(random: Random): void {
    this.#after(random.logUniform(100_000, 2_000_000), () => this.leaveJoint());
  }

  /** Asks every node, for one of them leads. */
  leaveJoint(): void {
    for (const process of this.#cluster.processes) {
      if (process.raft.core?.role !== "leader") continue;
      this.#proposals -= 1;
      const change: ConfigurationChange = { steps: [], transition: "auto" };
      const message = { kind: "proposeConfiguration", proposalId: this.#proposals, change } as const;
      process.raftMailbox.push({ kind: "fromIngress", message });
    }
  }

  #transfer(random: Random): void {
    const process = this.#process(random);
    const { voters } = this.#cluster.ledger.configuration;
    if (process === null || voters.length === 0) return;
    const nodeId = random.pick(voters);
    this.#world.fault("transfer", nodeId, "", [], () => this.#request(process, { kind: "transfer", nodeId }));
    if (random.chance(0.3)) this.#after(random.logUniform(500, 50_000), () => this.#deafenTransferor(random));
  }

  /** Who hands over hears no more of it: others go on, and it believes that it still leads. */
  #deafenTransferor(random: Random): void {
    const id = this.#cluster.processes.find(({ raft }) => (raft.core?.transferee ?? null) !== null)?.id;
    if (id === undefined) return;
    const others = [...this.#cluster.machines.keys()].filter((other) => other !== id);
    const ways = others.map((other): [string, string] => [other, id]);
    this.#cut("cutOneWay", random, ways, random.logUniform(100_000, 3_000_000));
  }

  #change(process: SimulatedProcess, change: MemberChange): void {
    this.#request(process, { kind: "changeMembers", change, reachMsMax: adminTimeoutMs });
  }

  #request(process: SimulatedProcess, request: Parameters<Requests["ask"]>[1]): void {
    if (!process.isAlive) return;
    this.#requests.ask(process, request, { key: null, timeoutMs: adminTimeoutMs }, () => undefined);
  }
}

function millisecondsOf(microseconds: number): number {
  return Math.round(microseconds / 1000);
}

function bothWays(pairs: readonly (readonly [string, string])[]): [string, string][] {
  return pairs.flatMap(([a, b]): [string, string][] => [
    [a, b],
    [b, a],
  ]);
}

function stepFor(nodeId: string, members: object, random: Random): ConfigurationChange["steps"][number] {
  const member = memberOf(nodeId);
  const isMember = Object.hasOwn(members, nodeId);
  if (isMember && random.chance(0.5)) return { kind: "remove", nodeId };
  return random.chance(0.8) ? { kind: "addVoter", nodeId, member } : { kind: "addLearner", nodeId, member };
}
