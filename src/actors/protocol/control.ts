/**
 * @module
 * The control plane: what main says to an actor and an actor to main, over Comlink. Never on a request's path.
 */

/** What main can ask of every actor. */
export interface ActorControl {
  /** Finishes what runs and closes what the actor owns. Ingress first, then raft, store, log. */
  stop(): Promise<void>;
  /** Fault switches, for tests of this and of other people's programs. */
  stall(milliseconds: number): void;
  setPartition(unreachable: readonly string[]): void;
}

/** What an actor can ask of main. */
export interface SupervisorControl {
  /** Opens main's own handle on a LevelDB directory, before any worker does, so that it outlives theirs. */
  keep(realPath: string): Promise<void>;
  /** Closes it, after every worker has. */
  release(realPath: string): Promise<void>;
  /** Ingress: the HTTP listener is bound. Raft: the peer listener is bound. */
  listening(actor: string, port: number): void;
  /** Something for the operator's eyes; one JSON line. */
  log(line: LogLine): void;
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly actor: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, string | number | boolean | null>>;
}
