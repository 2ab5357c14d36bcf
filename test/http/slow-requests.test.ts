import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import type { Propose } from "../../src/actors/protocol/ingress-raft.ts";
import { Exchange } from "../../src/http/exchange.ts";
import { Meter } from "../../src/http/meter.ts";
import { SlowRequests } from "../../src/http/slow-requests.ts";
import { ask, RawConnection } from "./client.ts";
import { FakeNode } from "./fake-node.ts";

const slowMs = 40;

/** Only the clock ends this wait: what is tested is what time does. */
async function untilMs(timeMs: number): Promise<void> {
  while (performance.now() < timeMs) await new Promise(setImmediate);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

function stage(fields: FakeNode["logged"][number]["fields"] | undefined, name: string): number {
  return Number(fields?.[name]);
}

describe("http: slow requests", () => {
  let node: FakeNode;

  afterEach(() => node.stop());

  it("are told with their stages, once they are answered", async () => {
    node = await FakeNode.start({ slowRequestMs: slowMs });
    let held: Propose | undefined;
    node.onMessage = (message) => {
      if (message.kind === "propose") held = message;
      return message.kind === "propose";
    };
    const slow = ask(node.port, "PUT", "/key/a", { body: "1" });
    await until(() => held !== undefined);
    await untilMs(performance.now() + slowMs);
    if (held === undefined) throw new Error("nothing was proposed");
    node.toIngress({ kind: "proposalAccepted", proposalId: held.proposalId, term: node.term });
    await untilMs(performance.now() + slowMs);
    node.applyNow(held);
    expect((await slow).status).to.equal(204);
    const [line, ...more] = node.logged;
    expect(more).to.deep.equal([]);
    expect(line?.level).to.equal("warn");
    expect(line?.message).to.match(/^PUT \/key\/a was answered 204 after \d+ ms$/);
    expect(line?.fields).to.include({ method: "PUT", target: "/key/a", status: 204, client: "127.0.0.1" });
    expect(stage(line?.fields, "raftMs")).to.be.at.least(slowMs - 2);
    expect(stage(line?.fields, "applyMs")).to.be.at.least(slowMs - 2);
    const stages = ["receiveMs", "queueMs", "raftMs", "applyMs", "answerMs"].map((name) => stage(line?.fields, name));
    const sum = stages.reduce((total, milliseconds) => total + milliseconds, 0);
    expect(sum).to.be.within(stage(line?.fields, "totalMs") - 5, stage(line?.fields, "totalMs") + 5);
  });

  it("are told as waiting in the queue when no leader took them, and when their client gave up", async () => {
    node = await FakeNode.start({ slowRequestMs: slowMs }, (fresh) => {
      fresh.leaderId = null;
    });
    const refused = await ask(node.port, "GET", "/key/a", { headers: { "balsa-timeout": `${2 * slowMs}ms` } });
    expect(refused.status).to.equal(503);
    expect(node.logged[0]?.message).to.match(/^GET \/key\/a was answered 503/);
    expect(node.logged[0]?.fields).to.include.keys("receiveMs", "queueMs");
    expect(node.logged[0]?.fields).not.to.include.keys("raftMs");
    const client = new RawConnection(node.port);
    client.socket.write("PUT /key/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    await untilMs(performance.now() + 3 * slowMs);
    client.socket.resetAndDestroy();
    await until(() => node.logged.length === 2);
    expect(node.logged[1]?.message).to.match(/^PUT \/key\/b was given up by its client after \d+ ms$/);
  });

  it("are not told when nobody asked for it", async () => {
    node = await FakeNode.start({ slowRequestMs: 0 }, (fresh) => {
      fresh.leaderId = null;
    });
    await ask(node.port, "GET", "/key/a", { headers: { "balsa-timeout": `${2 * slowMs}ms` } });
    expect(node.logged).to.deep.equal([]);
  });
});

describe("http: very many slow requests", () => {
  const lines: string[] = [];
  const slow = new SlowRequests(10, (message) => lines.push(message));

  function answer(count: number, nowMs: number): void {
    for (let at = 0; at < count; at++) {
      const request = new IncomingMessage(new Socket());
      request.method = "GET";
      request.url = `/key/${"a".repeat(300)}`;
      const exchange = new Exchange(request, new ServerResponse(request), nowMs - 20, { meter: new Meter(), slow });
      slow.onAnswered(exchange, 200, nowMs);
    }
  }

  it("are told ten a second, then counted, also when no other follows", () => {
    answer(25, 5_000);
    expect(lines).to.have.length(10);
    answer(1, 6_500);
    expect(lines.slice(10)).to.have.length(2);
    expect(lines[10]).to.equal("15 more requests took over 10 ms");
    answer(12, 6_600);
    slow.sweep(6_700);
    expect(lines).to.have.length(21);
    slow.sweep(7_600);
    expect(lines[21]).to.equal("3 more requests took over 10 ms");
    slow.sweep(9_000);
    expect(lines).to.have.length(22);
  });

  it("show no more of a target than its beginning", () => {
    expect(lines[0]).to.have.length.below(260);
  });
});
