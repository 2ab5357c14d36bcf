/**
 * @module
 * The client's watch against nodes that break off, repeat themselves, lag, keep silent and refuse.
 */

import type { ServerResponse } from "node:http";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient } from "../../src/client/balsa-client.ts";
import { EventStreamReader } from "../../src/client/event-stream.ts";
import type { Change, WatchOptions } from "../../src/client/watch.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { type FakeNode, problem, type Respond, startFakeNode, unusedEndpoint } from "./fake-node.ts";

const record = { createRevision: 1, version: 1, lease: null };

function put(id: string, key: string): string {
  const data = { key, value: `v${id}`, modRevision: Number.parseInt(id, 10), ...record };
  return `id: ${id}\nevent: put\ndata: ${JSON.stringify(data)}\n\n`;
}

function begin(response: ServerResponse, revision = 5): ServerResponse {
  response.writeHead(200, { "content-type": "text/event-stream", "balsa-revision": String(revision) });
  response.flushHeaders();
  return response;
}

describe("the client's watch", () => {
  const open: { close(): unknown }[] = [];

  async function watching(responds: readonly Respond[], options: WatchOptions = {}): Promise<Watching> {
    const nodes: FakeNode[] = [];
    for (const respond of responds) nodes.push(await startFakeNode(respond));
    const client = new BalsaClient({ endpoints: nodes.map(({ endpoint }) => endpoint), timeoutMs: 1_000 });
    open.push(client, ...nodes);
    return { nodes, changes: client.watch({ prefix: "p/" }, options), client };
  }

  interface Watching {
    readonly nodes: readonly FakeNode[];
    readonly changes: AsyncGenerator<Change, void, void>;
    readonly client: BalsaClient;
  }

  /** Each stream as the next of the list says, and silent ones after that. */
  function streams(...bodies: readonly ((response: ServerResponse) => void)[]): Respond {
    let at = 0;
    return (_, response) => bodies[at++]?.(begin(response));
  }

  async function take(changes: AsyncGenerator<Change, void, void>, count: number): Promise<Change[]> {
    const taken: Change[] = [];
    while (taken.length < count) {
      const next = await changes.next();
      if (next.done === true) break;
      taken.push(next.value);
    }
    return taken;
  }

  function resumedFrom(nodes: readonly FakeNode[]): unknown[] {
    return nodes.flatMap(({ asked }) => asked.map(({ headers }) => headers["last-event-id"]));
  }

  async function failureOf(changes: AsyncGenerator<Change, void, void>): Promise<unknown> {
    return await take(changes, 1).catch((cause: unknown) => cause);
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  it("gives puts and deletes with what was before, and asks for it", async () => {
    const before = { key: "p/a", value: "old", modRevision: 3, ...record };
    const gone = `id: 7\nevent: delete\ndata: ${JSON.stringify({ key: "p/a", modRevision: 7, prev: before })}\n\n`;
    const { nodes, changes } = await watching([streams((response) => response.write(put("6", "p/a") + gone))], {
      since: 5,
      previous: true,
    });
    const [first, second] = await take(changes, 2);
    expect(first).to.deep.include({ kind: "put", revision: 6, id: "6", key: Uint8Array.from(Buffer.from("p/a")) });
    expect(first).not.to.have.property("previous");
    expect(second).to.deep.include({ kind: "delete", revision: 7 });
    expect(Buffer.from(second?.previous?.value ?? "").toString()).to.equal("old");
    expect(nodes[0]?.asked[0]?.path).to.equal("/watch?prefix=p%2F&prev=true");
    expect(resumedFrom(nodes)).to.deep.equal(["5"]);
  });

  it("resumes in the middle of a command, and hands on nothing twice", async () => {
    const { nodes, changes } = await watching([
      streams(
        (response) => response.write(put("6", "p/a") + put("7.1", "p/b"), () => response.destroy()),
        (response) =>
          response.write(put("7.1", "p/b") + put("7.2", "p/c") + put("7", "p/d") + put("6", "p/a") + put("8", "p/e")),
      ),
    ]);
    const ids = (await take(changes, 5)).map(({ id }) => id);
    expect(ids).to.deep.equal(["6", "7.1", "7.2", "7", "8"]);
    expect(resumedFrom(nodes)).to.deep.equal([undefined, "7.1"]);
  });

  it("forgets an event that broke off before its end", async () => {
    const { nodes, changes } = await watching([
      streams(
        (response) => response.write(`${put("6", "p/a")}id: 7\nevent: put\ndata: {`, () => response.destroy()),
        (response) => response.write(put("7", "p/b")),
      ),
    ]);
    expect((await take(changes, 2)).map(({ id }) => id)).to.deep.equal(["6", "7"]);
    expect(resumedFrom(nodes)).to.deep.equal([undefined, "6"]);
  });

  it("resumes from where the node began it, although nothing has come yet", async () => {
    const { nodes, changes } = await watching([
      streams(
        (response) => response.destroy(),
        (response) => response.write(put("6", "p/a")),
      ),
    ]);
    await take(changes, 1);
    expect(resumedFrom(nodes)).to.deep.equal([undefined, "5"]);
  });

  it("resumes from the progress that quiet streams tell", async () => {
    const { nodes, changes } = await watching([
      streams(
        (response) => response.write(": alive\nid: 90\n\n", () => response.destroy()),
        (response) => response.write(put("91", "p/a")),
      ),
    ]);
    await take(changes, 1);
    expect(resumedFrom(nodes)).to.deep.equal([undefined, "90"]);
  });

  it("comes back for the rest after it lagged", async () => {
    const lagged = 'id: 8\nevent: lagged\ndata: {"resume":8}\n\n';
    const { nodes, changes } = await watching([
      streams(
        (response) => response.end(put("6", "p/a") + lagged),
        (response) => response.write(put("9", "p/b")),
      ),
    ]);
    expect((await take(changes, 2)).map(({ id }) => id)).to.deep.equal(["6", "9"]);
    expect(resumedFrom(nodes)).to.deep.equal([undefined, "8"]);
  });

  it("goes on at another node when one is shutting down or gone", async () => {
    const { nodes, changes } = await watching([
      (_, response) => problem(response, 503, "SHUTTING_DOWN", "not-applied"),
      streams((response) => response.write(put("6", "p/a"))),
    ]);
    expect(await take(changes, 1)).to.have.length(1);
    expect(nodes[1]?.asked).to.have.length(1);
  });

  it("fails when what comes next is compacted", async () => {
    const { nodes, changes } = await watching([(_, response) => problem(response, 410, "COMPACTED", "not-applied")], {
      since: 1,
    });
    expect(await failureOf(changes))
      .to.be.instanceOf(BalsaError)
      .and.include({ code: "COMPACTED" });
    expect(nodes[0]?.asked).to.have.length(1);
  });

  it("fails when nobody serves it for longer than it has patience, and when its client is closed", async () => {
    const client = new BalsaClient({ endpoints: [await unusedEndpoint()], timeoutMs: 50 });
    open.push(client);
    const impatient = client.watch({ key: "a" }, { patienceMs: 60 });
    expect(await failureOf(impatient))
      .to.be.instanceOf(BalsaError)
      .and.include({ code: "UNREACHABLE" });
    const patient = failureOf(client.watch({ key: "a" }));
    client.close();
    expect(await patient).to.be.instanceOf(BalsaError);
  });

  it("ends with the reason of its signal, and its connection with it", async () => {
    let closed = false;
    const ending = new AbortController();
    const { changes } = await watching(
      [
        (_, response) => {
          response.on("close", () => {
            closed = true;
          });
          begin(response).write(put("6", "p/a"));
        },
      ],
      { signal: ending.signal },
    );
    await take(changes, 1);
    const reason = new Error("enough");
    const rest = failureOf(changes);
    ending.abort(reason);
    expect(await rest).to.equal(reason);
    while (!closed) await new Promise(setImmediate);
  });
});

describe("the reader of event streams", () => {
  it("joins data, keeps the last id and ignores comments and fields that it does not know", () => {
    const reader = new EventStreamReader();
    const lines = [": hello", "id:4", "data: a", "data:b", "event: put", "retry: 5", "", "data", "", ""];
    const events = lines.map((line) => reader.take(line)).filter((event) => event !== undefined);
    expect(events).to.deep.equal([
      { id: "4", event: "put", data: "a\nb" },
      { id: "4", event: "", data: "" },
      { id: "4", event: "", data: undefined },
    ]);
  });
});
