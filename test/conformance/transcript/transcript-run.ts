/**
 * @module
 * The commands of the transcripts, and what each of them answers.
 */

import { isVoter } from "../../../src/raft/configuration.ts";
import { compactLog, sliceLog } from "../../../src/raft/log.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { forgetLeader } from "../../../src/raft/role.ts";
import { type ConfigurationChange, emptyConfiguration } from "../../../src/raft/types.ts";
import { bytesOfText, configurationOf, optionsOf } from "../../support/core-node.ts";
import { type Directive, valueOf, valuesOf } from "../datadriven.ts";
import { idOf, numberOf, stepsOf } from "../ids.ts";
import { describeEntry, describeMessage, describeProgress, describeRole, olderForm } from "./describe.ts";
import { indented } from "./describe-ready.ts";
import { divergences, refusedChange } from "./divergence.ts";
import { type Thread, TranscriptCluster } from "./transcript-cluster.ts";
import { TranscriptNode } from "./transcript-node.ts";

const electionTicks = 3;
const unbounded = Number.MAX_SAFE_INTEGER;
const nodeOptions = new Set([
  "voters",
  "learners",
  "index",
  "content",
  "inflight",
  "prevote",
  "checkquorum",
  "async-storage-writes",
]);
/** What the transcripts say when a proposal cannot be taken by anybody now. */
const dropped = "raft proposal dropped";

export class TranscriptRun {
  readonly #cluster = new TranscriptCluster();
  #isQuiet = false;

  /** Divergences that were passed over. */
  get notes(): ReadonlySet<string> {
    return this.#cluster.notes;
  }

  /** Gives the lines that the command shows. */
  run(directive: Directive): readonly string[] {
    const command = this.#commands[directive.command];
    if (command === undefined) throw divergences.unknownCommand(directive.command);
    const wasQuiet = this.#isQuiet;
    const level = valueOf(directive, "log-level");
    if (level !== undefined) this.#isQuiet = level === "none";
    const lines = command(directive);
    const shown = this.#isQuiet ? [] : lines;
    if (level !== undefined) this.#isQuiet = wasQuiet;
    return shown;
  }

  readonly #commands: Readonly<Record<string, (directive: Directive) => readonly string[]>> = {
    _breakpoint: () => [],
    "add-nodes": (directive) => this.#addNodes(directive),
    campaign: (directive) => this.#stepped(directive, "campaign"),
    compact: (directive) => this.#compact(directive),
    "deliver-msgs": (directive) => this.#deliver(directive),
    "forget-leader": (directive) => this.#forgetLeader(directive),
    "log-level": (directive) => this.#setLevel(directive),
    "process-append-thread": (directive) => this.#process(directive, this.#cluster.appendThread),
    "process-apply-thread": (directive) => this.#process(directive, this.#cluster.applyThread),
    "process-ready": (directive) => this.#each(directive, "handling Ready", (node) => this.#cluster.processReady(node)),
    propose: (directive) => this.#propose(directive),
    "propose-conf-change": (directive) => this.#proposeChange(directive),
    "raft-log": (directive) => this.#showLog(directive),
    "raft-state": () => this.#cluster.nodes.map((node) => shownState(node)),
    "report-unreachable": (directive) => this.#reportUnreachable(directive),
    "send-snapshot": (directive) => this.#sendSnapshot(directive),
    "set-randomized-election-timeout": (directive) => this.#setTimeout(directive),
    stabilize: (directive) => this.#stabilize(directive),
    status: (directive) => this.#showProgress(directive),
    "tick-election": (directive) => this.#tick(directive, electionTicks),
    "tick-heartbeat": (directive) => this.#tick(directive, 1),
    "transfer-leadership": (directive) => this.#transfer(directive),
  };

  #addNodes(directive: Directive): string[] {
    const [count] = directive.args;
    for (const { key } of directive.args.slice(1)) if (!nodeOptions.has(key)) throw divergences.option(key);
    const voters = (valuesOf(directive, "voters") ?? []).map(idOf);
    const learners = (valuesOf(directive, "learners") ?? []).map(idOf);
    const isFounded = voters.length > 0 || learners.length > 0;
    const start = {
      index: Number(valueOf(directive, "index") ?? 0),
      configuration: isFounded ? configurationOf(voters, learners) : emptyConfiguration,
      isAsync: valueOf(directive, "async-storage-writes") === "true",
    };
    const options: Partial<RaftOptions> = {
      electionTimeoutTicks: electionTicks,
      heartbeatTicks: 1,
      preVote: valueOf(directive, "prevote") === "true",
      checkQuorum: valueOf(directive, "checkquorum") === "true",
      inflightMessagesMax: Number(valueOf(directive, "inflight") ?? unbounded),
      inflightBytesMax: unbounded,
      appendBytesMax: unbounded,
      uncommittedBytesMax: unbounded,
      applyingBytesMax: unbounded,
      tailBytesMax: unbounded,
      // Logs are compacted when a transcript says so, and not before.
      trailingEntries: unbounded,
    };
    for (let added = 0; added < Number(count?.key); added += 1) {
      const id = idOf(this.#cluster.nodes.length + 1);
      this.#cluster.nodes.push(new TranscriptNode(optionsOf(id, options), start));
    }
    return [];
  }

  #stepped(directive: Directive, kind: "campaign"): string[] {
    this.#node(directive).step({ kind });
    return [];
  }

  /** Shows what is left of the log. */
  #compact(directive: Directive): string[] {
    const { log } = this.#node(directive).state;
    compactLog(log, Number(directive.args[1]?.key));
    return this.#showLog(directive);
  }

  #deliver(directive: Directive): string[] {
    const name = valueOf(directive, "type");
    const lines: string[] = [];
    for (const { key, values } of directive.args) {
      if (key === "type") continue;
      const drop = key === "drop";
      for (const number of drop ? values : [key]) {
        lines.push(...this.#cluster.deliver(Number(number), { drop, name }));
      }
    }
    return lines.length === 0 ? ["no messages"] : lines;
  }

  #forgetLeader(directive: Directive): string[] {
    const node = this.#node(directive);
    forgetLeader(node.state);
    return [];
  }

  #setLevel({ args }: Directive): string[] {
    this.#isQuiet = args[0]?.key.toLowerCase() === "none";
    return [];
  }

  #process(directive: Directive, thread: Thread): string[] {
    return this.#each(directive, `processing ${thread.name} thread`, (node) => this.#cluster.process(thread, node));
  }

  /** Of one node the lines alone, of several each under its own heading. */
  #each(directive: Directive, heading: string, run: (node: TranscriptNode) => readonly string[]): string[] {
    const nodes = this.#nodes(directive);
    return nodes.flatMap((node) => {
      const lines = run(node);
      return nodes.length === 1 ? lines : [`> ${numberOf(node.id)} ${heading}`, ...lines.map(indented)];
    });
  }

  #propose(directive: Directive): string[] {
    const text = directive.args[1]?.key ?? "";
    const proposal = { kind: "commands", commands: [bytesOfText(text)] } as const;
    const refusal = this.#node(directive).step({ kind: "propose", proposalId: 1, proposal });
    return refusal === null ? [] : [dropped];
  }

  #proposeChange(directive: Directive): string[] {
    const steps = stepsOf(directive.input.join(" ").split(/\s+/).filter(Boolean));
    const transitions = { auto: "auto", implicit: "jointImplicit", explicit: "jointExplicit" } as const;
    const wanted = valueOf(directive, "transition") ?? "auto";
    if (wanted !== "auto" && wanted !== "implicit" && wanted !== "explicit") throw new Error(`transition ${wanted}`);
    const change: ConfigurationChange = { steps, transition: transitions[wanted] };
    if (valueOf(directive, "v1") === "true") olderForm.add(change);
    const proposal = { kind: "configuration", change } as const;
    const refusal = this.#node(directive).step({ kind: "propose", proposalId: 1, proposal });
    if (refusal === null) return [];
    if (refusal === "noLeader" || refusal === "transferring") return [dropped];
    if (refusal !== "configurationPending") throw divergences.refusal(refusal);
    // What the transcript has in its place is proposed by hand, so that the rest can be compared.
    this.#cluster.notes.add(refusedChange);
    const commands = [new Uint8Array()];
    this.#node(directive).step({ kind: "propose", proposalId: 1, proposal: { kind: "commands", commands } });
    return [];
  }

  #showLog(directive: Directive): string[] {
    const { log } = this.#node(directive).state;
    if (log.lastIndex === log.startIndex) {
      return [`log is empty: first index=${log.startIndex + 1}, last index=${log.lastIndex}`];
    }
    return sliceLog(log, log.startIndex + 1, log.lastIndex + 1, unbounded).map(describeEntry);
  }

  #reportUnreachable(directive: Directive): string[] {
    const peer = idOf(directive.args[1]?.key ?? 0);
    this.#node(directive).step({ kind: "peerUnreachable", peer });
    return [];
  }

  #sendSnapshot(directive: Directive): string[] {
    const { id: from, currentTerm: term, snapshot } = this.#node(directive).state;
    const to = idOf(directive.args[1]?.key ?? 0);
    const request = { kind: "installSnapshotRequest", from, to, term, snapshot } as const;
    this.#cluster.send(request);
    return [describeMessage(request)];
  }

  #setTimeout(directive: Directive): string[] {
    this.#node(directive).state.randomizedTimeoutTicks = Number(valueOf(directive, "timeout"));
    return [];
  }

  #stabilize(directive: Directive): readonly string[] {
    return this.#cluster.stabilize(this.#nodes(directive));
  }

  #showProgress(directive: Directive): string[] {
    const { progress, configuration } = this.#node(directive).state;
    return progress.map((member) => describeProgress(member, configuration));
  }

  #tick(directive: Directive, ticks: number): string[] {
    const node = this.#node(directive);
    for (let tick = 0; tick < ticks; tick += 1) node.step({ kind: "tick" });
    return [];
  }

  #transfer(directive: Directive): string[] {
    const transferee = idOf(valueOf(directive, "to") ?? 0);
    const from = this.#cluster.node(Number(valueOf(directive, "from")));
    from.step({ kind: "transferLeadership", transferee });
    return [];
  }

  #node({ args }: Directive): TranscriptNode {
    return this.#cluster.node(Number(args[0]?.key));
  }

  /** Those named, in that order; all when none is. */
  #nodes({ args }: Directive): readonly TranscriptNode[] {
    const named = args.filter(({ key }) => /^\d+$/.test(key));
    return named.length === 0 ? this.#cluster.nodes : named.map(({ key }) => this.#cluster.node(Number(key)));
  }
}

function shownState({ id, state }: TranscriptNode): string {
  const votes = isVoter(state.configuration, id) ? "Voter" : "Non-Voter";
  const role = describeRole(state.role);
  return `${numberOf(id)}: ${role} (${votes}) Term:${state.currentTerm} Lead:${numberOf(state.leaderId)}`;
}
