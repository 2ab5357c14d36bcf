/**
 * @module
 * The ingress actor on a real port, with raft and store played by the test: real edges, real frames, and a state
 * in memory that proposals are applied to at once unless the test says otherwise.
 */

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Board, createBoardMemory } from "../../src/actor/board.ts";
import { monotonicMs } from "../../src/actor/clock.ts";
import type { ActorContext, LogFields, RunningActor } from "../../src/actor/context.ts";
import { Edge } from "../../src/actor/edge.ts";
import { startIngressWith } from "../../src/actors/ingress/start.ts";
import type { IngressConfig } from "../../src/actors/protocol/config.ts";
import type {
  IngressToRaft,
  LeadershipChanged,
  Propose,
  RaftToIngress,
} from "../../src/actors/protocol/ingress-raft.ts";
import type { IngressToStore, StoreToIngress, WireResult } from "../../src/actors/protocol/store-ingress.ts";
import { decodeCommand } from "../../src/codec/command.ts";
import type { Command } from "../../src/kv/command.ts";
import { resultToWire } from "../../src/kv/result.ts";
import type { Configuration, ConfigurationStep, Member } from "../../src/raft/types.ts";
import { MemoryView } from "./memory-view.ts";

export const baseConfig: IngressConfig = {
  identity: { nodeId: "n1", clusterId: "c1", incarnation: "i1" },
  addresses: {
    httpListen: "127.0.0.1:0",
    raftListen: "127.0.0.1:0",
    httpAdvertise: "127.0.0.1:8091",
    raftAdvertise: "127.0.0.1:9091",
  },
  origin: 77,
  version: "0.0.0",
  startedAtMs: Date.now(),
  keyBytesMax: 4096,
  valueBytesMax: 1024 * 1024,
  bodyBytesMax: 2 * 1024 * 1024,
  headerBytesMax: 32 * 1024,
  connectionsMax: 100,
  pendingRequestsMax: 1000,
  proposalsInFlightMax: 100,
  allowedHosts: [],
  corsOrigins: [],
  defaultTimeoutMs: 5000,
  slowRequestMs: 0,
  leaseReads: false,
};

export function memberAt(port: number, standing: "voter" | "learner" = "voter"): Member {
  return { httpAddr: `127.0.0.1:${port}`, raftAddr: `127.0.0.1:${port + 1000}`, incarnation: "", standing };
}

const threeVoters: Configuration = {
  voters: ["n1", "n2", "n3"],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  members: { n1: memberAt(8091), n2: memberAt(8092), n3: memberAt(8093) },
};

export class FakeNode {
  readonly view: MemoryView = new MemoryView();
  readonly board: Board = new Board(createBoardMemory());
  /** What ingress asked of raft, in order. */
  readonly asked: IngressToRaft[] = [];
  readonly failures: unknown[] = [];
  /** Lines for the operator. */
  readonly logged: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = [];
  configuration: Configuration = threeVoters;
  leaderId: string | null = "n1";
  term = 1;
  /** Members that the leader does not hear; learners among them are never promoted. */
  readonly unreached: Set<string> = new Set();
  /** Replaces what raft does with a message; true when it was dealt with. */
  onMessage: (message: IngressToRaft) => boolean = () => false;
  port = 0;
  readonly #channels = { raft: new MessageChannel(), store: new MessageChannel() };
  readonly #raft: Edge<IngressToRaft, RaftToIngress>;
  readonly #store: Edge<IngressToStore, StoreToIngress>;
  #actor: RunningActor | undefined;
  #appliedIndex = 0;
  #entered: (() => void) | undefined;

  private constructor() {
    this.#raft = new Edge(this.#channels.raft.port1, this.board, "raft", "ingress");
    this.#store = new Edge(this.#channels.store.port1, this.board, "store", "ingress");
  }

  /** Resolves once the listener is bound, the state open and the leadership told. */
  static async start(
    changes: Partial<IngressConfig> = {},
    prepare: (node: FakeNode) => void = () => undefined,
  ): Promise<FakeNode> {
    const node = new FakeNode();
    prepare(node);
    const entered = new Promise<void>((resolve) => {
      node.#entered = resolve;
    });
    node.#raft.onMessages((messages) => {
      for (const message of messages) node.#onMessage(message);
    });
    node.#store.onMessages(() => node.#entered?.());
    const start = startIngressWith(() => Promise.resolve(node.view));
    node.#actor = await start(node.#context({ ...baseConfig, ...changes }));
    node.tellLeadership();
    node.toIngressFromStore({ kind: "generationReady", generation: 1, path: "/memory", overtakenTerm: 0 });
    await entered;
    return node;
  }

  #context(config: IngressConfig): ActorContext<IngressConfig> {
    const ports: Record<string, MessagePort> = { raft: this.#channels.raft.port2, store: this.#channels.store.port2 };
    return {
      name: "ingress",
      config,
      board: this.board,
      edge: <Received, Sent>(peer: string): Edge<Received, Sent> => {
        const port = ports[peer];
        if (port === undefined) throw new RangeError(peer);
        return new Edge<Received, Sent>(port, this.board, "ingress", peer);
      },
      supervisor: {
        keep: () => Promise.resolve(),
        release: () => Promise.resolve(),
        listening: (port) => {
          this.port = port;
        },
        log: (level, message, fields = {}) => void this.logged.push({ level, message, fields }),
      },
      fail: (cause) => {
        this.failures.push(cause);
      },
    };
  }

  async stop(): Promise<void> {
    await this.#actor?.stop();
    this.#raft.close();
    this.#store.close();
  }

  toIngress(...messages: RaftToIngress[]): void {
    this.#raft.send(messages);
  }

  toIngressFromStore(...messages: StoreToIngress[]): void {
    this.#store.send(messages);
  }

  tellLeadership(): void {
    const { term, leaderId, configuration } = this;
    const role: LeadershipChanged["role"] = leaderId === "n1" ? "leader" : "follower";
    this.toIngress({ kind: "leadershipChanged", role, term, leaderId, configuration, removed: false });
  }

  /** The state now reflects everything up to now. */
  hearLeader(ageMs = 0): void {
    this.board.set("freshAtMs", Math.floor(monotonicMs() - ageMs));
  }

  #onMessage(message: IngressToRaft): void {
    this.asked.push(message);
    if (this.onMessage(message)) return;
    switch (message.kind) {
      case "propose":
        return this.acceptAndApply(message);
      case "proposeConfiguration":
        this.toIngress({ kind: "proposalAccepted", proposalId: message.proposalId, term: this.term });
        return this.changeMembers(message.change.steps);
      case "readIndex":
      case "leaseRead":
        return this.toIngress({ kind: "readGranted", readId: message.readId, readIndex: this.#appliedIndex });
      case "transferLeadership":
        this.leaderId = message.transferee;
        this.term++;
        return this.tellLeadership();
      case "inspect":
        return this.toIngress({
          kind: "inspected",
          inspectId: message.inspectId,
          progress: Object.keys(this.configuration.members).map((id) => {
            const reached = !this.unreached.has(id);
            return { id, matchIndex: reached ? 7 : 0, healthy: reached };
          }),
        });
    }
  }

  acceptAndApply(message: Propose): void {
    this.toIngress({ kind: "proposalAccepted", proposalId: message.proposalId, term: this.term });
    this.applyNow(message);
  }

  applyNow(message: Propose): void {
    const results = commandsOf(message).map((command): WireResult => {
      const { revision, result } = this.view.apply(command);
      this.#appliedIndex++;
      return [command.sequence, revision, resultToWire(result)];
    });
    this.board.set("appliedIndex", this.#appliedIndex);
    this.board.set("appliedAtUs", Math.round(monotonicMs() * 1000));
    this.board.set("commitIndex", this.#appliedIndex);
    this.board.set("revisionApplied", this.view.revision());
    this.toIngressFromStore({
      kind: "batchApplied",
      appliedIndex: this.#appliedIndex,
      appliedTerm: this.term,
      revision: this.view.revision(),
      results,
    });
  }

  /** As `applyNow`, and nobody is told: as when a snapshot brings it. */
  applySilently(message: Propose): void {
    for (const command of commandsOf(message)) this.view.apply(command);
  }

  /** A learner that is meant as voter is promoted at once. */
  changeMembers(steps: readonly ConfigurationStep[]): void {
    const members = new Map(Object.entries(this.configuration.members));
    let voters = [...this.configuration.voters];
    let learners = [...this.configuration.learners];
    for (const step of steps) {
      voters = voters.filter((id) => id !== step.nodeId);
      learners = learners.filter((id) => id !== step.nodeId);
      members.delete(step.nodeId);
      if (step.kind === "remove") continue;
      members.set(step.nodeId, step.member);
      const votes = step.member.standing === "voter" && !this.unreached.has(step.nodeId);
      (votes ? voters : learners).push(step.nodeId);
    }
    this.configuration = { ...this.configuration, voters, learners, members: Object.fromEntries(members) };
    this.tellLeadership();
  }
}

export function commandsOf(message: Propose): Command[] {
  let start = 0;
  return message.ends.map((end) => {
    const command = decodeCommand(message.slab.subarray(start, end));
    start = end;
    return command;
  });
}
