/**
 * @module
 * What main hands to an actor's thread and what the thread tells main: the ports, and how it ended.
 */

import type { MessagePort, Worker } from "node:worker_threads";
import type { ActorName, AdvertisedAddresses, LinkCuts, LogFields, PeerPlace } from "./context.ts";

/** The thread's `workerData`. */
export interface ThreadData {
  readonly name: ActorName;
  readonly config: unknown;
  readonly board: SharedArrayBuffer;
  /** The data plane, by the name of the other actor. */
  readonly edges: Readonly<Record<string, MessagePort>>;
  /** Main calls the actor here. */
  readonly control: MessagePort;
  /** The actor calls main here. */
  readonly supervisor: MessagePort;
}

/** What main can ask of an actor's thread (over Comlink). */
export interface ThreadControl {
  stop(): Promise<void>;
  stall(milliseconds: number): void;
  /** In force when it resolves. */
  setCuts(cuts: LinkCuts): Promise<void>;
  setAddresses(advertised: AdvertisedAddresses): Promise<void>;
  expectPeers(places: readonly PeerPlace[]): Promise<void>;
}

/** What an actor's thread can ask of main (over Comlink). */
export interface SupervisorControl {
  started(): void;
  keep(realPath: string): Promise<void>;
  release(realPath: string): Promise<void>;
  listening(port: number): void;
  log(level: "debug" | "info" | "warn" | "error", message: string, fields: LogFields): void;
}

/** An error as data: what survives the way between threads. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** The last message of a thread that fails. */
export interface ThreadFailed {
  readonly kind: "failed";
  readonly failure: Failure;
}

export function failureOf(cause: unknown): Failure {
  if (cause instanceof Error) return { name: cause.name, message: messageWithCause(cause), stack: cause.stack ?? "" };
  return { name: "Error", message: String(cause), stack: "" };
}

export function isThreadFailed(message: unknown): message is ThreadFailed {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "failed";
}

/** Settles like `call`, or rejects when the thread ends first: Comlink itself would wait for ever. */
export async function whileAlive<T>(worker: Worker, call: Promise<T>): Promise<T> {
  let onExit: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    onExit = () => reject(new Error("the thread has ended"));
    worker.once("exit", onExit);
  });
  try {
    return await Promise.race([call, ended]);
  } finally {
    worker.off("exit", onExit);
  }
}

function messageWithCause(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
