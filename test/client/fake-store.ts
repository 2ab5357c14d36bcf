/**
 * @module
 * As much of a store as locks and elections need, in memory and behind one fake node: keys with leases, listings of
 * keys, watches of deletes.
 */

import type { ServerResponse } from "node:http";
import { type Asked, answerJson, type FakeNode, problem, startFakeNode } from "./fake-node.ts";

export interface Stored {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: string | null;
}

export class FakeStore {
  readonly keys: Map<string, Stored> = new Map();
  readonly leases: Set<string> = new Set();
  /** What has been watched, in order. */
  readonly watched: string[] = [];
  /** Keep-alives are answered with 503 while it is true. */
  deaf = false;
  #revision = 1;
  #granted = 0;
  readonly #deleted: { readonly key: string; readonly revision: number }[] = [];
  readonly #watchers = new Set<{ readonly key: string; readonly response: ServerResponse }>();

  async start(): Promise<FakeNode> {
    return await startFakeNode((asked, response) => this.#respond(asked, response));
  }

  /** As a command that ends the lease would. */
  endLease(id: string): void {
    this.leases.delete(id);
    this.#revision += 1;
    for (const [key, { lease }] of this.keys) {
      if (lease !== id) continue;
      this.keys.delete(key);
      this.#deleted.push({ key, revision: this.#revision });
      for (const watcher of this.#watchers) if (watcher.key === key) tell(watcher.response, key, this.#revision);
    }
  }

  #respond(asked: Asked, response: ServerResponse): void {
    const { method } = asked;
    const url = new URL(asked.path, "http://fake");
    const [, family = "", ...rest] = url.pathname.split("/");
    if (family === "key" && method === "PUT")
      return this.#put(rest.map(decodeURIComponent).join("/"), url, asked, response);
    if (family === "keys") return this.#list(url.searchParams.get("prefix") ?? "", asked, response);
    if (family === "watch") return this.#watch(url.searchParams.get("key") ?? "", asked, response);
    if (family === "lease") return this.#lease(method, rest, response);
    problem(response, 404, "ROUTE_NOT_FOUND", "not-applied");
  }

  #put(key: string, url: URL, { headers, body }: Asked, response: ServerResponse): void {
    const lease = url.searchParams.get("lease");
    const present = this.keys.get(key);
    if (lease !== null && !this.leases.has(lease)) return problem(response, 404, "LEASE_NOT_FOUND", "not-applied");
    const wanted = headers["if-match"];
    if (
      (headers["if-none-match"] === "*" && present !== undefined) ||
      (wanted !== undefined && wanted !== `"${present?.modRevision}"`)
    )
      return problem(response, 412, "PRECONDITION_FAILED", "not-applied");
    const modRevision = ++this.#revision;
    const createRevision = present?.createRevision ?? modRevision;
    this.keys.set(key, { value: Buffer.from(body).toString(), createRevision, modRevision, lease });
    response.writeHead(204, { etag: `"${modRevision}"`, "balsa-revision": String(this.#revision) }).end();
  }

  #list(prefix: string, { headers }: Asked, response: ServerResponse): void {
    const items = [...this.keys]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, stored]) => ({ key, version: 1, ...stored }));
    if (headers.accept !== "application/x-ndjson")
      return answerJson(response, 200, { revision: this.#revision, items }, this.#revision);
    response.writeHead(200, { "balsa-revision": String(this.#revision) });
    response.end(items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  }

  #watch(key: string, { headers }: Asked, response: ServerResponse): void {
    this.watched.push(key);
    response.writeHead(200, { "content-type": "text/event-stream", "balsa-revision": String(this.#revision) });
    response.flushHeaders();
    const since = Number(headers["last-event-id"]);
    for (const past of this.#deleted) if (past.key === key && past.revision > since) tell(response, key, past.revision);
    const watcher = { key, response };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
  }

  #lease(method: string, [id = "", what]: readonly string[], response: ServerResponse): void {
    if (id === "") {
      const granted = String(++this.#granted);
      this.leases.add(granted);
      return answerJson(response, 201, { id: granted, ttlMs: 1_000 }, this.#revision);
    }
    if (what === "keepalive" && this.deaf) return problem(response, 503, "NO_LEADER", "not-applied");
    if (!this.leases.has(id)) return problem(response, 404, "LEASE_NOT_FOUND", "not-applied");
    if (what === "keepalive") return answerJson(response, 200, { id, ttlMs: 1_000 }, this.#revision);
    if (method === "DELETE") this.endLease(id);
    response.writeHead(204, { "balsa-revision": String(this.#revision) }).end();
  }
}

function tell(response: ServerResponse, key: string, revision: number): void {
  response.write(`id: ${revision}\nevent: delete\ndata: ${JSON.stringify({ key, modRevision: revision })}\n\n`);
}
