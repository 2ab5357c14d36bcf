/**
 * @module
 * Clients of `GET /watch` that come back by themselves: one on node:http that keeps its own place, and one that is a
 * real EventSource.
 */

import { get, type IncomingMessage } from "node:http";
import { EventSource } from "eventsource";
import { pause } from "../stage.ts";

/** One event, as a client was given it. */
export interface SeenEvent {
  readonly id: string;
  readonly event: string;
  readonly key: string;
  /** Null for a deletion. */
  readonly value: string | null;
  /** `performance.now()`. */
  readonly atMs: number;
}

export interface WatchClient {
  readonly name: string;
  readonly seen: readonly SeenEvent[];
  /** How often it came back. */
  readonly resumed: number;
  close(): void;
}

const comeBackMs = 100;

/**
 * Every time its stream ends it goes on at the next of `urls`, from the last id it has: so any node has to continue what
 * another began. It cuts its own stream now and then.
 */
export class RoamingClient implements WatchClient {
  readonly name: string;
  readonly seen: SeenEvent[] = [];
  resumed = -1;
  readonly #urls: readonly string[];
  readonly #query: string;
  readonly #cutAfterEvents: number;
  #lastId = "";
  #closed = false;
  #response: IncomingMessage | undefined;

  /** `cutAfterEvents`: how many it is given before it hangs up by itself, wherever that is. */
  constructor(name: string, urls: readonly string[], query: string, cutAfterEvents: number) {
    this.name = name;
    this.#urls = urls;
    this.#query = query;
    this.#cutAfterEvents = cutAfterEvents;
    void this.#follow();
  }

  close(): void {
    this.#closed = true;
    this.#response?.destroy();
  }

  async #follow(): Promise<void> {
    while (!this.#closed) {
      this.resumed++;
      const url = this.#urls[this.resumed % this.#urls.length] ?? "";
      await this.#stream(`${url}/watch?${this.#query}`);
      await pause(comeBackMs);
    }
  }

  #stream(url: string): Promise<void> {
    return new Promise((resolve) => {
      const headers = this.#lastId === "" ? {} : { "Last-Event-ID": this.#lastId };
      const request = get(url, { agent: false, headers, timeout: 20_000 }, (response) => {
        this.#response = response;
        let text = "";
        let events = 0;
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          const blocks = (text + chunk).split("\n\n");
          text = blocks.pop() ?? "";
          for (const block of blocks) {
            if (events >= this.#cutAfterEvents) return void response.destroy();
            if (this.#onBlock(block)) events++;
          }
        });
        response.on("close", resolve);
        response.on("error", () => undefined);
      });
      request.on("timeout", () => request.destroy(new Error("silent for too long")));
      request.on("error", () => resolve());
    });
  }

  /** Gives whether it was a change. */
  #onBlock(block: string): boolean {
    const fields = new Map(
      block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]),
    );
    const id = fields.get("id");
    if (id !== undefined) this.#lastId = id;
    const event = fields.get("event");
    if (id === undefined || event === undefined || event === "lagged") return false;
    this.seen.push(seenEvent(id, event, fields.get("data") ?? ""));
    return true;
  }
}

/** The `eventsource` package, as it is: it stays with its node, and comes back to it. */
export class EventSourceClient implements WatchClient {
  readonly name: string;
  readonly seen: SeenEvent[] = [];
  resumed = -1;
  readonly #source: EventSource;

  constructor(name: string, url: string) {
    this.name = name;
    this.#source = new EventSource(url);
    this.#source.addEventListener("open", () => void this.resumed++);
    for (const kind of ["put", "delete"]) {
      this.#source.addEventListener(kind, ({ lastEventId, data }) => {
        this.seen.push(seenEvent(lastEventId, kind, String(data)));
      });
    }
  }

  close(): void {
    this.#source.close();
  }
}

function seenEvent(id: string, event: string, text: string): SeenEvent {
  const { key, value } = JSON.parse(text) as { readonly key: string; readonly value?: string };
  return { id, event, key, value: value ?? null, atMs: performance.now() };
}
