/**
 * @module
 * Watches: every change of a range, in order, none missed and none twice, whatever node is asked.
 */

import { setTimeout as pause } from "node:timers/promises";
import { BalsaError } from "../errors/balsa-error.ts";
import { type JsonObject, parseJson } from "./answer.ts";
import { bytesOf, type KeyLike, queryPair, requiredBytesIn } from "./bytes.ts";
import { isPassing } from "./call.ts";
import { abortable } from "./caller.ts";
import { type ClusterLink, expectStatus, storeRevisionOf } from "./cluster-link.ts";
import { EventStreamReader, type StreamEvent } from "./event-stream.ts";
import type { OpenAnswer } from "./exchange.ts";
import { anyItemOf, type Item, itemOf, type KeyHead, objectOf } from "./item.ts";
import { linesOf } from "./lines.ts";
import { type KeyRange, queryOf, rangePairs } from "./range.ts";

export type Watched = { readonly key: KeyLike } | KeyRange;

export interface WatchOptions {
  /**
   * The changes after this revision, or after the change with this `id`; a listing's `revision` can be handed on as it
   * is. Without it: what changes from the moment on at which a node takes the watch.
   */
  readonly since?: number | string | undefined;
  /** Whether each change carries what the key was before. */
  readonly previous?: boolean | undefined;
  /** Ends the watch, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How many milliseconds it looks for a node that serves it, before it fails as that node does. No bound by default. */
  readonly patienceMs?: number | undefined;
}

interface AnyChange {
  /** The store revision of the change; those of one command share it. */
  readonly revision: number;
  /** Where the watch stands after this change: `since` of the next one. */
  readonly id: string;
  readonly key: Uint8Array;
  /** What the key was before, when that was asked for and it was there. */
  readonly previous?: Item;
}

export type Change =
  | (AnyChange & { readonly kind: "put"; readonly item: Item })
  | (AnyChange & { readonly kind: "delete" });

/** A node says something every 15 s at least. */
const silenceMsMax = 40_000;
const pauseMsMin = 50;
const pauseMsMax = 2_000;

/**
 * The changes, one at a time. Reading slowly is no harm: the node ends a stream whose reader lags too far, and the watch
 * goes on from there. Throws a BalsaError: `COMPACTED` when the changes that come next are forgotten (list again, and
 * watch from that listing's revision), and what is wrong with the request.
 */
export async function* watch(
  link: ClusterLink,
  watched: Watched,
  options: WatchOptions,
): AsyncGenerator<Change, void, void> {
  const place = new Place(options.since);
  const path = watchPath(watched, options);
  let failures = 0;
  let servedMs = performance.now();
  for (;;) {
    try {
      const stream = await openStream(link, path, place, options.signal);
      try {
        for await (const event of eventsOf(stream, options.signal)) {
          failures = 0;
          servedMs = performance.now();
          if (!place.advance(event.id) || event.data === undefined || event.event === "lagged") continue;
          yield changeOf(event, event.data);
        }
      } finally {
        stream.close();
      }
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (link.closed || (cause instanceof BalsaError && !isPassing(cause))) throw lossOf(cause);
      if (performance.now() - servedMs > (options.patienceMs ?? Number.POSITIVE_INFINITY)) throw lossOf(cause);
    }
    const pauseMs = Math.min(pauseMsMin * 2 ** failures, pauseMsMax) * (1 - Math.random() / 2);
    failures += 1;
    await abortable(options, pause(pauseMs, undefined, { signal: options.signal }));
  }
}

/** How far a watch has come: what it is given again, it does not hand on again. */
class Place {
  /** As `Last-Event-ID` takes it; undefined before a node has said where the watch begins. */
  id: string | undefined;

  constructor(since: number | string | undefined) {
    this.id = since === undefined ? undefined : String(since);
  }

  begin(revision: number): void {
    this.id ??= String(revision);
  }

  /** Whether this id is new, and not at or before where the watch stands. */
  advance(id: string): boolean {
    const next = positionOf(id);
    if (next === undefined) return false;
    const last = this.id === undefined ? undefined : positionOf(this.id);
    if (last !== undefined && !isAfter(next, last)) return false;
    this.id = id;
    return true;
  }
}

interface Position {
  readonly revision: number;
  /** Of a change in its command, from 1; infinite at the command's end. */
  readonly ordinal: number;
}

function positionOf(id: string): Position | undefined {
  const [, revision, ordinal] = /^(\d{1,16})(?:\.(\d{1,10}))?$/.exec(id) ?? [];
  if (revision === undefined) return undefined;
  return { revision: Number(revision), ordinal: ordinal === undefined ? Number.POSITIVE_INFINITY : Number(ordinal) };
}

function isAfter(one: Position, other: Position): boolean {
  return one.revision > other.revision || (one.revision === other.revision && one.ordinal > other.ordinal);
}

function watchPath(watched: Watched, { previous }: WatchOptions): string {
  const pairs = "key" in watched ? [queryPair("key", watched.key)] : rangePairs(watched);
  return queryOf("/watch", previous === true ? [...pairs, "prev=true"] : pairs);
}

async function openStream(
  link: ClusterLink,
  path: string,
  place: Place,
  signal: AbortSignal | undefined,
): Promise<OpenAnswer> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (place.id !== undefined) headers["last-event-id"] = place.id;
  const answer = await link.openAs({ method: "GET", path, headers, signal });
  if (!("chunks" in answer)) {
    expectStatus(answer, 200);
    throw new BalsaError("INTERNAL", "the node answered a watch with nothing");
  }
  try {
    place.begin(storeRevisionOf(answer));
  } catch (cause) {
    answer.close();
    throw cause;
  }
  return answer;
}

/** Until the node ends the stream. Throws what the connection does, and when the node is silent for too long. */
async function* eventsOf(stream: OpenAnswer, signal: AbortSignal | undefined): AsyncGenerator<StreamEvent, void, void> {
  const reader = new EventStreamReader();
  // Only while this side waits: a reader that takes its time is not the node's silence.
  for await (const line of linesOf(watchful(stream))) {
    const event = reader.take(line);
    if (event === undefined) continue;
    yield event;
    signal?.throwIfAborted();
  }
}

async function* watchful(stream: OpenAnswer): AsyncGenerator<Uint8Array, void, void> {
  const chunks = stream.chunks[Symbol.asyncIterator]();
  for (;;) {
    const timer = setTimeout(() => stream.close(), silenceMsMax);
    const next = await chunks.next().finally(() => clearTimeout(timer));
    if (next.done === true) return;
    yield next.value;
  }
}

function changeOf({ id, event }: StreamEvent, data: string): Change {
  const fields = objectOf(parseJson(bytesOf(data)), "event");
  const revision = positionOf(id)?.revision ?? 0;
  const common = { revision, id, key: requiredBytesIn(fields, "key"), ...previousOf(fields) };
  if (event === "delete") return { ...common, kind: "delete" };
  if (event === "put") return { ...common, kind: "put", item: itemOf(fields) };
  throw new BalsaError("INTERNAL", `the node sends events of a kind that is unknown: ${event}`);
}

function previousOf({ prev }: JsonObject): { readonly previous?: Item } {
  if (prev === undefined || prev === null) return {};
  const item: KeyHead | Item = anyItemOf(prev);
  return "value" in item ? { previous: item } : {};
}

function lossOf(cause: unknown): unknown {
  if (cause instanceof BalsaError || !(cause instanceof Error)) return cause;
  return new BalsaError("CONNECTION_LOST", `the watch broke off: ${cause.message}`);
}
