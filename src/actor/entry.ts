/**
 * @module
 * The inside of an actor's thread: joins its ports to the actor and reports how it ends.
 */

import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Board } from "./board.ts";
import { exposeOn, wrapPort } from "./comlink-port.ts";
import type { ActorContext, ActorName, LogFields, RunningActor, StartActor, Supervisor } from "./context.ts";
import { Edge } from "./edge.ts";
import { watchEventLoop } from "./loop-delay.ts";
import { failureOf, type SupervisorControl, type ThreadControl, type ThreadData, type ThreadFailed } from "./thread.ts";
import { keepTickShape } from "./tick-shape.ts";

/** Runs the actor of this thread until main stops it or it fails. A worker entry calls it once. */
export function runActor<Config>(start: StartActor<Config>): void {
  void keepTickShape();
  const data = workerData as ThreadData;
  const board = new Board(data.board);
  const fail = (cause: unknown): void => endThread(data, cause);
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);

  const main = wrapPort<SupervisorControl>(data.supervisor);
  const supervisor = supervisorOf(main, board, fail);
  watchEventLoop(board, `loopDelay:${data.name}`, (lateMs) => tellLateness(supervisor, data.name, lateMs));
  const started = start(contextOf<Config>(data, board, supervisor, fail));
  exposeOn<ThreadControl>(data.control, controlOf(started));
  started.then(() => main.started()).catch(fail);
}

function contextOf<Config>(
  data: ThreadData,
  board: Board,
  supervisor: Supervisor,
  fail: (cause: unknown) => void,
): ActorContext<Config> {
  return {
    name: data.name,
    config: data.config as Config,
    board,
    supervisor,
    fail,
    edge<Received, Sent>(peer: ActorName): Edge<Received, Sent> {
      return new Edge<Received, Sent>(portTo(data, peer), board, data.name, peer);
    },
  };
}

function supervisorOf(
  main: ReturnType<typeof wrapPort<SupervisorControl>>,
  board: Board,
  fail: (cause: unknown) => void,
): Supervisor {
  return {
    keep: (realPath) => main.keep(realPath),
    release: (realPath) => main.release(realPath),
    listening: (port) => void main.listening(port).catch(fail),
    log: (level, message, fields: LogFields = {}) =>
      void main.log(level, message, { ...standingOn(board), ...fields }).catch(fail),
  };
}

/** Where the node stands as a line is said: its term, and how far it knows the log to be committed. */
function standingOn(board: Board): LogFields {
  if (board.get("raftStarted") === 0) return {};
  return { term: board.get("term"), index: board.get("commitIndex") };
}

function tellLateness(supervisor: Supervisor, name: ActorName, lateMs: number): void {
  const milliseconds = Math.round(lateMs);
  supervisor.log("warn", `the ${name} thread stood still for ${milliseconds} ms`, { milliseconds });
}

function controlOf(started: Promise<RunningActor>): ThreadControl {
  return {
    async stop() {
      const actor = await started;
      await actor.stop();
    },
    stall(milliseconds) {
      // Only after this call has been answered; then nothing runs on this thread until the time is over.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds));
    },
    async setCuts(cuts) {
      const actor = await started;
      actor.setCuts?.(cuts);
    },
    async setAddresses(advertised) {
      const actor = await started;
      actor.setAddresses?.(advertised);
    },
    async expectPeers(places) {
      const actor = await started;
      actor.expectPeers?.(places);
    },
  };
}

function portTo(data: ThreadData, peer: ActorName): MessagePort {
  const port = data.edges[peer];
  if (port === undefined) throw new RangeError(`${data.name} has no edge to ${peer}`);
  return port;
}

/** Nothing that this thread has in hand leaves after this. */
function endThread(data: ThreadData, cause: unknown): never {
  for (const port of Object.values(data.edges)) port.close();
  const last: ThreadFailed = { kind: "failed", failure: failureOf(cause) };
  parentPort?.postMessage(last);
  process.exit(1);
}
