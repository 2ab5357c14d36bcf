/**
 * @module
 * The search for an order of one key's operations that an atomic register could have run in (Wing & Gong 1993, with
 * the memo of Lowe 2017).
 *
 * A configuration is the set of operations that have had their turn, and the state they have left. Five things keep
 * their number small, and none changes a verdict: an operation that only looks takes its turn as soon as its answer
 * fits; one of unknown outcome takes none where it would change nothing, and none before an equal one that began
 * before it; all are done when those with an outcome are; and a configuration is left when another has had the same
 * operations with an outcome, is in the same state, and has used up no unknown one that this has not.
 */

import { DoneSet } from "./done-set.ts";
import { isUnknown, type Operation } from "./operation.ts";
import { type Compiled, type Initial, impossible, Register, type State } from "./register.ts";

export type Finding = "order" | "no order" | "not yet";

interface Step {
  readonly operation: Operation;
  readonly compiled: Compiled;
}

/** A configuration, how it was come to, and what has not been tried from it. */
interface Frame {
  /** Positions of operations with an outcome that have had their turn. */
  readonly done: DoneSet;
  readonly doneCount: number;
  /** A bit for each unknown one that had its turn. */
  readonly used: bigint;
  readonly state: State;
  readonly before: Frame | undefined;
  /** What had its turn to come here from the frame before. */
  readonly taken: readonly Operation[];
  /** Positions of operations with an outcome, then of unknown ones counted on from them. */
  readonly candidates: readonly number[];
  next: number;
}

/** Resumable: goes as far as it is let, and on from there. */
export class Search {
  readonly #register: Register;
  /** By their starts, as the unknown ones are. */
  readonly #known: readonly Step[];
  readonly #unknown: readonly Step[];
  /** For each unknown one the position among them of the equal one that began last before it; -1 where there is none. */
  readonly #equalBefore: readonly number[];
  /** For the same operations done and the same state: the sets of unknown ones used, none a part of another. */
  readonly #seen = new Map<string, bigint[]>();
  readonly #path: Frame[] = [];
  #finding: Finding = "not yet";
  #configurations = 0;
  #deepest: Frame | undefined;

  constructor(operations: readonly Operation[], initial: Initial) {
    const register = new Register(
      initial,
      operations.map(({ action }) => action),
    );
    this.#register = register;
    const steps = operations.map((operation) => ({ operation, compiled: register.compile(operation.action) }));
    steps.sort((a, b) => a.operation.from - b.operation.from);
    this.#known = steps.filter(({ operation }) => !isUnknown(operation));
    // An unknown one that only looks tells nothing.
    this.#unknown = steps.filter(({ operation, compiled }) => isUnknown(operation) && !compiled.looksOnly);
    const names = this.#unknown.map(({ compiled }) => `${compiled.kind} ${compiled.expected} ${compiled.value}`);
    this.#equalBefore = names.map((name, at) => names.slice(0, at).lastIndexOf(name));
    this.#enter(undefined, { done: DoneSet.empty, used: 0n, state: register.initial, taken: [] });
  }

  get finding(): Finding {
    return this.#finding;
  }

  /** Different ones met so far. */
  get configurations(): number {
    return this.#configurations;
  }

  /** The order that has brought the most operations with an outcome to their turn; all of them once one is found. */
  get longestOrder(): readonly Operation[] {
    const turns: (readonly Operation[])[] = [];
    for (let frame = this.#deepest; frame !== undefined; frame = frame.before) turns.push(frame.taken);
    return turns.reverse().flat();
  }

  /** Goes on until there is a finding, or until it has met `configurationsMax` configurations in all. */
  advance(configurationsMax: number): Finding {
    while (this.#finding === "not yet" && this.#configurations < configurationsMax) {
      const frame = this.#path[this.#path.length - 1];
      if (frame === undefined) this.#finding = "no order";
      else this.#tryNext(frame);
    }
    return this.#finding;
  }

  #tryNext(frame: Frame): void {
    const candidate = frame.candidates[frame.next];
    if (candidate === undefined) {
      this.#path.pop();
      return;
    }
    frame.next += 1;
    const step = this.#known[candidate] ?? this.#unknown[candidate - this.#known.length];
    if (step === undefined) return;
    const state = this.#register.step(frame.state, step.compiled);
    if (state === impossible) return;
    const taken = [step.operation];
    if (candidate < this.#known.length) {
      this.#enter(frame, { done: frame.done.with([candidate]), used: frame.used, state, taken });
    } else if (state !== frame.state) {
      const used = frame.used | (1n << BigInt(candidate - this.#known.length));
      this.#enter(frame, { done: frame.done, used, state, taken });
    }
  }

  /** Lets those look that can, and puts the configuration on the path unless it, or a better one, has been met. */
  #enter(before: Frame | undefined, reached: Pick<Frame, "done" | "used" | "state" | "taken">): void {
    const { used, state } = reached;
    const taken = [...reached.taken];
    let done = reached.done;
    for (;;) {
      const looking = this.#window(done).filter((at) => this.#mayLook(at, state));
      if (looking.length === 0) break;
      done = done.with(looking);
      taken.push(...looking.map((at) => this.#stepAt(at).operation));
    }
    if (!this.#isNew(`${state} ${done.key}`, used)) return;
    this.#configurations += 1;
    const doneCount = (before?.doneCount ?? 0) + taken.filter((operation) => !isUnknown(operation)).length;
    const candidates = this.#candidates(done, used);
    const frame: Frame = { done, doneCount, used, state, before, taken, candidates, next: 0 };
    this.#path.push(frame);
    if (this.#deepest === undefined || doneCount > this.#deepest.doneCount) this.#deepest = frame;
    if (doneCount === this.#known.length) this.#finding = "order";
  }

  /** Those with an outcome that may be next: not done, and begun before any other that is not done had ended. */
  #window(done: DoneSet): readonly number[] {
    const window: number[] = [];
    let endsFirst = Number.POSITIVE_INFINITY;
    for (let at = done.first; at < this.#known.length; at++) {
      if (done.has(at)) continue;
      const { operation } = this.#stepAt(at);
      if (operation.from > endsFirst) break;
      window.push(at);
      endsFirst = Math.min(endsFirst, operation.to);
    }
    return window;
  }

  /** Those that end first come first, unknown ones last: the likely order is tried before all others. */
  #candidates(done: DoneSet, used: bigint): readonly number[] {
    const window = [...this.#window(done)];
    const endsFirst = Math.min(...window.map((at) => this.#stepAt(at).operation.to));
    window.sort((a, b) => this.#stepAt(a).operation.to - this.#stepAt(b).operation.to);
    for (const [at, { operation }] of this.#unknown.entries()) {
      if (operation.from > endsFirst) break;
      if (!isUsed(used, at) && this.#hasTurn(at, used)) window.push(this.#known.length + at);
    }
    return window;
  }

  #hasTurn(at: number, used: bigint): boolean {
    const before = this.#equalBefore[at] ?? -1;
    return before === -1 || isUsed(used, before);
  }

  #mayLook(at: number, state: State): boolean {
    const { compiled } = this.#stepAt(at);
    return compiled.looksOnly && this.#register.step(state, compiled) === state;
  }

  #isNew(key: string, used: bigint): boolean {
    const sets = this.#seen.get(key);
    if (sets === undefined) {
      this.#seen.set(key, [used]);
      return true;
    }
    if (sets.some((set) => (set & used) === set)) return false;
    const kept = sets.filter((set) => (set & used) !== used);
    kept.push(used);
    this.#seen.set(key, kept);
    return true;
  }

  #stepAt(at: number): Step {
    const step = this.#known[at];
    if (step === undefined) throw new RangeError(`there is no operation ${at} of ${this.#known.length}`);
    return step;
  }
}

function isUsed(used: bigint, at: number): boolean {
  return (used & (1n << BigInt(at))) !== 0n;
}
