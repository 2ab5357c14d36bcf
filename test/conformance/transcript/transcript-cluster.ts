/**
 * @module
 * A cluster of the transcripts: a network that keeps what is sent until it is delivered, and threads that write and
 * execute when they are told to.
 */

import { itemAt } from "../../../src/raft/assert.ts";
import { memberIds } from "../../../src/raft/configuration.ts";
import { lastEntryId } from "../../../src/raft/log.ts";
import type { Message } from "../../../src/raft/message.ts";
import { numberOf } from "../ids.ts";
import { describeMessage, isAnswerToWrite } from "./describe.ts";
import {
  describeAnswer,
  describeApplied,
  describeReady,
  describeStorageAppend,
  describeStorageApply,
  indented,
  withResponses,
} from "./describe-ready.ts";
import { sentBeforeWrite } from "./divergence.ts";
import type { OwnAnswer, Ready, TranscriptNode } from "./transcript-node.ts";

/** On its way to a node. */
interface Parcel {
  readonly to: number;
  readonly text: string;
  /** A node's own threads lose nothing. */
  readonly isLocal: boolean;
  readonly deliver: (node: TranscriptNode) => void;
  /** What the receiver has to say about it. */
  readonly complaint: (node: TranscriptNode) => string | null;
}

/** What a thread does when it is told to, and tells afterwards. */
interface Work {
  readonly text: string;
  readonly parcels: readonly Parcel[];
}

export interface Thread {
  readonly name: "append" | "apply";
  readonly queues: Map<TranscriptNode, Work[]>;
}

const unknownSender = "raft: cannot step as peer not found";

export class TranscriptCluster {
  readonly nodes: TranscriptNode[] = [];
  readonly appendThread: Thread = { name: "append", queues: new Map<TranscriptNode, Work[]>() };
  readonly applyThread: Thread = { name: "apply", queues: new Map<TranscriptNode, Work[]>() };
  /** Divergences that could be passed over. */
  readonly notes: Set<string> = new Set<string>();
  #network: Parcel[] = [];

  /** By its number, from 1. */
  node(number: number): TranscriptNode {
    return itemAt(this.nodes, number - 1);
  }

  /** Shows everything that a node has to do, and does it or gives it to its threads. */
  processReady(node: TranscriptNode): string[] {
    const ready = node.takeReady();
    if (node.isAsync) return this.#processAsync(node, ready);
    const answers = ready.answers.filter((answer) => answer.kind !== "own");
    const messages = [...ready.messages, ...answers];
    for (const message of messages) {
      if (!node.isReleased(message)) throw new Error(`${describeMessage(message)} is held though all is durable`);
      this.send(message);
    }
    node.apply(ready.committed);
    return describeReady(ready, messages.map(describeMessage));
  }

  send(message: Message): void {
    this.#network.push(parcelOf(message));
  }

  /** Delivers, or loses, all that is on its way to the node; `name` picks one kind of message. */
  deliver(number: number, { drop, name }: { readonly drop: boolean; readonly name?: string | undefined }): string[] {
    const isMeant = (parcel: Parcel): boolean =>
      parcel.to === number && !(drop && parcel.isLocal) && (name === undefined || parcel.text.split(" ")[1] === name);
    const parcels = this.#network.filter(isMeant);
    this.#network = this.#network.filter((parcel) => !isMeant(parcel));
    const lines: string[] = [];
    for (const parcel of parcels) {
      lines.push(drop ? `dropped: ${parcel.text}` : parcel.text);
      if (drop) continue;
      const node = this.node(number);
      const complaint = parcel.complaint(node);
      parcel.deliver(node);
      if (complaint !== null) lines.push(complaint);
    }
    return lines;
  }

  /** The oldest work of a thread. */
  process(thread: Thread, node: TranscriptNode): string[] {
    const work = thread.queues.get(node)?.shift();
    if (work === undefined) return [`no ${thread.name} work to perform`];
    this.#network.push(...work.parcels);
    return ["Processing:", work.text, "Responses:", ...work.parcels.map(({ text }) => text)];
  }

  /** Runs the nodes, all work, and all messages between them, until nothing is left to do. */
  stabilize(nodes: readonly TranscriptNode[]): string[] {
    const lines: string[] = [];
    const show = (header: string, body: readonly string[]): void => {
      lines.push(`> ${header}`, ...body.map(indented));
    };
    for (let worked = true; worked; ) {
      worked = false;
      for (const node of nodes) {
        if (!node.hasReady()) continue;
        worked = true;
        show(`${numberOf(node.id)} handling Ready`, this.processReady(node));
      }
      for (const node of nodes) {
        const number = numberOf(node.id);
        if (!this.#network.some(({ to }) => to === number)) continue;
        worked = true;
        show(`${number} receiving messages`, this.deliver(number, { drop: false }));
      }
      for (const thread of [this.appendThread, this.applyThread]) {
        for (const node of nodes) {
          const queue = thread.queues.get(node) ?? [];
          if (queue.length === 0) continue;
          worked = true;
          lines.push(`> ${numberOf(node.id)} processing ${thread.name} thread`);
          while (queue.length > 0) lines.push(...this.process(thread, node).map(indented));
        }
      }
    }
    return lines;
  }

  #processAsync(node: TranscriptNode, ready: Ready): string[] {
    const lines = ready.messages.map(describeMessage);
    for (const message of ready.messages) {
      if (!node.isReleased(message)) this.notes.add(sentBeforeWrite);
      this.send(message);
    }
    const append = describeStorageAppend(node, ready);
    if (append !== null) {
      const parcels = this.#afterAppend(node, ready);
      this.#queue(this.appendThread, node, { text: append, parcels });
      lines.push(
        withResponses(
          append,
          parcels.map(({ text }) => text),
        ),
      );
    }
    if (ready.committed.length > 0) {
      const { committed } = ready;
      const text = describeStorageApply(node, committed);
      const applied = describeApplied(node, committed);
      this.#queue(this.applyThread, node, {
        text,
        parcels: [localParcel(node, applied, () => node.apply(committed))],
      });
      lines.push(withResponses(text, [applied]));
    }
    return describeReady(ready, lines);
  }

  /** The node hears that its write is durable by the first of these that is for itself. */
  #afterAppend(node: TranscriptNode, ready: Ready): Parcel[] {
    const acknowledge = (): void => {
      for (const append of ready.appends.splice(0)) node.acknowledge(append);
    };
    const parcels = ready.answers.map((answer: Message | OwnAnswer) =>
      answer.kind === "own" ? localParcel(node, describeAnswer(answer), acknowledge) : parcelOf(answer),
    );
    const { log, currentTerm } = node.state;
    if (log.persistedIndex < log.lastIndex) {
      const { term, index } = lastEntryId(log);
      const text = `AppendThread->${numberOf(node.id)} MsgStorageAppendResp Term:${currentTerm} Log:${term}/${index}`;
      parcels.push(localParcel(node, text, acknowledge));
    }
    // Nobody of the transcripts tells a node that a vote is written; ours hears of it as soon as it is.
    if (!parcels.some(({ isLocal }) => isLocal)) acknowledge();
    return parcels;
  }

  #queue(thread: Thread, node: TranscriptNode, work: Work): void {
    const queue = thread.queues.get(node) ?? [];
    queue.push(work);
    thread.queues.set(node, queue);
  }
}

function parcelOf(message: Message): Parcel {
  const isResponse = isAnswerToWrite(message) || message.kind === "heartbeatResponse";
  return {
    to: numberOf(message.to),
    text: describeMessage(message),
    isLocal: false,
    deliver: (node) => void node.step({ kind: "receive", message }),
    complaint: (node) =>
      isResponse && !memberIds(node.state.configuration).includes(message.from) ? unknownSender : null,
  };
}

function localParcel(node: TranscriptNode, text: string, deliver: () => void): Parcel {
  return { to: numberOf(node.id), text, isLocal: true, deliver, complaint: () => null };
}
