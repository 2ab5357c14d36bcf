/**
 * @module
 * One watch: how far it is, and the stream that its events go to.
 */

import { afterRevision, type ChangePosition } from "../kv/keys.ts";
import type { Backlogs } from "./backlogs.ts";
import { type ChangeEvent, encodeBeginning, encodeLagged, encodeProgress } from "./watch-event.ts";
import type { WatchAsk } from "./watch-query.ts";

/** What a watch needs of the response that it streams to. */
export interface EventSink {
  /** Bytes written that the client's connection has not taken yet. */
  readonly writableLength: number;
  /** Null while the answer waits behind another of its connection. `setTimeout` cuts it when nothing moves for so long; 0 does not. */
  readonly socket: { cork(): void; uncork(): void; setTimeout(milliseconds: number): unknown } | null;
  /** `onTaken` is called once the client's connection has taken them; with an error, when it never will. */
  write(bytes: Uint8Array, onTaken: (error?: Error | null) => void): unknown;
  end(): unknown;
  destroy(): unknown;
}

/** Counted over all watches since the node began. */
export interface WatchTally {
  events: number;
  lagged: number;
}

/** A reader whose watch was ended has so long to take what is left. */
const lingerMs = 10_000;
/** One that reads the past and takes nothing for so long is cut off. */
const stallMsMax = 30_000;
/** The same while others wait for the room that it has taken. */
const hurriedStallMsMax = 2_000;
/** Events of one command are gathered to pieces of this size. */
const pieceBytes = 64 * 1024;

/**
 * Changes go in, in order and each once or more; out go those above its position, each once. Its last change is held
 * until it is known whether another of the same command follows: its id depends on that.
 */
export class Watcher {
  readonly ask: WatchAsk;
  readonly #sink: EventSink;
  readonly #backlogs: Backlogs;
  readonly #tally: WatchTally;
  /** Everything that it watches is given or held up to here. */
  #position: ChangePosition;
  #held: ChangeEvent | null = null;
  #pieces: Buffer[] = [];
  #gathered = 0;
  #ended = false;
  /** Set while `drained` waits. */
  #onDrained: (() => void) | null = null;
  #isHurried = false;
  readonly #onTaken = (error?: Error | null): void => {
    if (!error && this.backlog === 0) this.#onDrained?.();
  };
  #linger: NodeJS.Timeout | undefined;
  /** `performance.now()` when bytes were last written. */
  wroteAtMs: number = performance.now();

  constructor(ask: WatchAsk, after: ChangePosition, sink: EventSink, backlogs: Backlogs, tally: WatchTally) {
    this.ask = ask;
    this.#position = after;
    this.#sink = sink;
    this.#backlogs = backlogs;
    this.#tally = tally;
  }

  /** Writes what each stream begins with. */
  begin(): void {
    this.#write(encodeBeginning(isEnd(this.#position) ? this.#position.revision : null));
  }

  get position(): ChangePosition {
    return this.#position;
  }

  /** Whether nothing is to be written any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the last event of a command waits until it is known to be the last. */
  get holds(): boolean {
    return this.#held !== null;
  }

  /** Whether all it was given ends where a command ends. */
  get isWhole(): boolean {
    return this.#held === null && isEnd(this.#position);
  }

  /** Whether it takes its events more slowly than they come. */
  get isBehind(): boolean {
    return !this.#ended && this.#backlogs.isTooMuch(this, this.#sink.writableLength);
  }

  /** Takes a change of a key that it watches. Gives whether it was new to it. */
  take(event: ChangeEvent): boolean {
    if (this.#ended || !isAbove(event.change, this.#position)) return false;
    const held = this.#held;
    if (held !== null) this.#gather(held.encode(this.ask.previous, held.change.revision !== event.change.revision));
    this.#held = event;
    this.#position = { revision: event.change.revision, ordinal: event.change.ordinal };
    return true;
  }

  /** It has been given everything up to there: writes what it can. */
  reach(through: ChangePosition): void {
    if (this.#ended) return;
    if (isAbove(through, this.#position)) this.#position = through;
    const held = this.#held;
    if (held !== null && isAbove(through, held.change) && (isEnd(through) || through.revision > held.change.revision)) {
      this.#gather(held.encode(this.ask.previous, true));
      this.#held = null;
    }
    this.#flush();
  }

  /** A sign of life. `through` is how far those are who are given everything as it comes, when it is one of them. */
  keepAlive(through: ChangePosition | null): void {
    if (this.#ended) return;
    if (through !== null && this.#held === null && isAbove(through, this.#position)) this.#position = through;
    this.#write(encodeProgress(this.isWhole ? this.#position.revision : null));
  }

  /** Resolves when the client has taken all that was written, or is gone. Nothing is written to it meanwhile. */
  async drained(): Promise<void> {
    if (this.#ended || this.backlog === 0) return;
    // The socket's own time limit sees also a part of one large write being taken.
    const { socket } = this.#sink;
    socket?.setTimeout(stallMsMax);
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    this.#onDrained = null;
    this.#isHurried = false;
    socket?.setTimeout(0);
  }

  /** Others wait for the room that it has taken: when it takes nothing, it is cut off sooner. */
  hurry(): void {
    if (this.#isHurried || this.#onDrained === null) return;
    this.#isHurried = true;
    this.#sink.socket?.setTimeout(hurriedStallMsMax);
  }

  /** It is known that another event of the same command follows, and not when: what is held back need not wait for it. */
  pause(): void {
    if (this.#held !== null) this.#gather(this.#held.encode(this.ask.previous, false));
    this.#held = null;
    this.#flush();
  }

  /**
   * Ends it with `lagged`, because it is too slow or what follows is gone: it comes back for the rest. `through` is as
   * of `keepAlive`. In the middle of a command there is no revision to come back with: the id of its last event tells.
   */
  turnAway(through: ChangePosition | null): void {
    if (this.#ended) return;
    if (through !== null && this.#held === null && isAbove(through, this.#position)) this.#position = through;
    if (this.isWhole) this.#lag(this.#position.revision);
    else this.end();
  }

  /** Ends it after what it has been given; in the middle of a command, its reader resumes there. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#held = null;
    this.#pieces = [];
    this.#sink.end();
    this.#linger = setTimeout(() => this.#sink.destroy(), lingerMs).unref();
    this.#onDrained?.();
  }

  /** The client is gone. */
  close(): void {
    clearTimeout(this.#linger);
    this.#ended = true;
    this.#held = null;
    this.#pieces = [];
    this.#backlogs.remove(this);
    this.#onDrained?.();
  }

  #lag(revision: number): void {
    this.#tally.lagged++;
    this.#write(encodeLagged(revision));
    this.end();
  }

  #gather(bytes: Buffer): void {
    this.#tally.events++;
    this.#pieces.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= pieceBytes) this.#flush();
  }

  #flush(): void {
    if (this.#pieces.length === 0) return;
    const [only] = this.#pieces;
    const bytes = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#gathered = 0;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    this.wroteAtMs = performance.now();
    // Left to itself, node:http writes after the turn: the time it takes would be in nobody's slice.
    const { socket } = this.#sink;
    socket?.cork();
    this.#sink.write(bytes, this.#onTaken);
    socket?.uncork();
    this.#backlogs.measure(this, this.#sink.writableLength);
  }

  /** Bytes that the client has not taken. */
  get backlog(): number {
    return this.#sink.writableLength;
  }

  /** The same, with what is about to be written. */
  get untaken(): number {
    const held = this.#held?.encode(this.ask.previous, true).length ?? 0;
    return this.backlog + this.#gathered + held;
  }
}

export function isAbove(one: ChangePosition, other: ChangePosition): boolean {
  return one.revision > other.revision || (one.revision === other.revision && one.ordinal > other.ordinal);
}

/** Whether a position is the end of its command. */
export function isEnd(position: ChangePosition): boolean {
  return position.ordinal === afterRevision(position.revision).ordinal;
}
