/**
 * @module
 * Reads whose parts have to agree: how fresh the state must be, then one moment of it for all of them.
 */

import { BalsaError } from "../errors/balsa-error.ts";
import { MomentClosedError, type StateMoment, type StateView } from "../kv/state-view.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { ageOf } from "./freshness.ts";
import { parseMinRevision, parseTimeoutMs } from "./header.ts";
import type { Level } from "./query.ts";
import { compactedDetail } from "./refusal.ts";
import type { Outcome } from "./request.ts";
import { StateRefusal } from "./state-refusal.ts";
import { Turnstile } from "./turnstile.ts";

/** Moments read at once: each keeps rows in memory on their way. */
const readingMax = 8;
/** The shortest that a timer takes. */
const giveWayMs = 1;
/** A state that is replaced under a reader is read anew; it is not replaced often. */
const attemptsMax = 3;

/** What a read answers from. */
export interface ReadMoment {
  readonly moment: StateMoment;
  /** What Balsa-Age-Ms says; below 0 nothing is said. */
  readonly ageMs: number;
}

/** Reads and answers. May throw a BalsaError instead; called again when the state is replaced under it. */
export type OnMoment = (read: ReadMoment) => Promise<void>;

export interface MomentAsk {
  readonly level: Level;
  /** The revision that is to be read; undefined: as of now. */
  readonly revision: number | undefined;
  readonly onMoment: OnMoment;
  /** Whom it waits behind, where these are not the other reads. */
  readonly turnstile?: Turnstile;
}

interface PendingMoment {
  readonly level: Level;
  readonly onMoment: OnMoment;
  readonly deadlineMs: number;
  readonly turnstile: Turnstile;
}

export class MomentReads {
  readonly #desk: Desk;
  readonly #turnstile: Turnstile;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#turnstile = new Turnstile(readingMax, desk.options.connectionsMax);
  }

  /** Reads once the state is as recent as asked. Throws BAD_REQUEST. */
  submit(exchange: Exchange, { level, revision, onMoment, turnstile = this.#turnstile }: MomentAsk): void {
    const { backend, options } = this.#desk;
    const { stale, byLease, redirect } = level;
    const { headers } = exchange.request;
    exchange.kind = "list";
    const timeoutMs = parseTimeoutMs(headers, options.defaultTimeoutMs);
    // Alone, this node cannot know whether a revision that it has not reached lies in the future or is on its way.
    const minRevision = Math.max(parseMinRevision(headers), stale ? (revision ?? 0) : 0);
    const deadlineMs = exchange.startedAtMs + timeoutMs;
    const answer = (_: Exchange, outcome: Outcome): void => {
      if (outcome.kind === "readable") this.#begin(exchange, { level, onMoment, deadlineMs, turnstile });
    };
    this.#desk.assertOpen();
    const view = backend.view();
    if (stale && view !== undefined && view.revision() >= minRevision) return answer(exchange, { kind: "readable" });
    const request = byLease
      ? ({ kind: "leaseRead", minRevision, redirect } as const)
      : ({ kind: "read", stale, minRevision, redirect } as const);
    this.#desk.submit(exchange, { answer }, request, timeoutMs);
  }

  #begin(exchange: Exchange, read: PendingMoment): void {
    const { turnstile } = read;
    const entered = turnstile.enter();
    if (entered === undefined)
      throw new BalsaError("OVERLOADED", "this node makes as many lists and streams as it takes");
    entered
      .then(() => this.#read(exchange, read))
      .catch((error: unknown) => this.#desk.fail(exchange, error))
      .finally(() => turnstile.leave());
  }

  async #read(exchange: Exchange, { level, deadlineMs, onMoment }: PendingMoment): Promise<void> {
    if (performance.now() > deadlineMs)
      throw new BalsaError("OVERLOADED", "the read waited behind others until its time ran out");
    for (let attempt = 1; isOpen(exchange); attempt++) {
      try {
        return await withMoment(this.#desk, level, onMoment);
      } catch (error) {
        if (!(error instanceof MomentClosedError) || attempt === attemptsMax) throw asRefusal(error);
      }
    }
  }
}

/** Opens a moment for `onMoment` and closes it afterwards. Throws TOO_STALE. */
export async function withMoment({ backend }: Desk, level: Level, onMoment: OnMoment): Promise<void> {
  const view = openView(backend.view());
  const ageMs = level.stale ? ageOf(backend, level.maxAgeMs) : -1;
  const moment = view.moment();
  try {
    await onMoment({ moment, ageMs });
  } finally {
    await moment.close();
  }
}

/** Throws COMPACTED, and BAD_REQUEST for a revision that is not there yet. Undefined: the present one. */
export function readableRevision(moment: StateMoment, revision: number | undefined): number {
  if (revision === undefined) return moment.revision;
  switch (moment.standingOf(revision)) {
    case "readable":
      return revision;
    case "compacted":
      throw new StateRefusal("COMPACTED", compactedDetail(moment.compactedRevision), moment.revision);
    case "future":
      throw new StateRefusal(
        "BAD_REQUEST",
        `revision ${revision} lies in the future: the store stands at ${moment.revision}`,
        moment.revision,
      );
  }
}

/** Balsa-Revision, and Balsa-Age-Ms where it is to be said. */
export function momentHeaders(revision: number, ageMs: number): string[] {
  const headers = ["Balsa-Revision", String(revision)];
  if (ageMs >= 0) headers.push("Balsa-Age-Ms", String(ageMs));
  return headers;
}

/**
 * Lets everything else that waits on this thread go first. While requests wait for the node behind, it waits for a
 * moment more: their way leads over a dozen threads, which want the processors that a listing would keep busy.
 */
export function giveWay({ waiting }: Pick<Desk, "waiting">): Promise<void> {
  return new Promise((resolve) => {
    if (waiting === 0) setImmediate(resolve);
    else setTimeout(resolve, giveWayMs);
  });
}

/** Whether there is still somebody to answer. */
export function isOpen({ answered, request }: Exchange): boolean {
  return !answered && !request.socket.destroyed;
}

export function openView(view: StateView | undefined): StateView {
  if (view === undefined) throw new BalsaError("TOO_STALE", "the state of this node is not open");
  return view;
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof MomentClosedError)) return error;
  return new BalsaError("TOO_STALE", "the state of this node was replaced while it was read; try again");
}
