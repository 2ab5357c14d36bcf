import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { clusterIdAt, type JoinRequest, join } from "../../src/cluster/join.ts";
import { StartError } from "../../src/errors/balsa-error.ts";

const request: JoinRequest = {
  id: "n2",
  httpAddr: "127.0.0.1:8092",
  raftAddr: "127.0.0.1:9092",
  incarnation: "abc",
  role: "voter",
};

const servers: Server[] = [];

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => null,
    (cause: unknown) => cause,
  );
}

const never = new AbortController().signal;

describe("joining", () => {
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  it("asks again while another change is under way or no leader is known, and says each reason once", async () => {
    const answers = [
      [409, { code: "CONFIG_CHANGE_PENDING", detail: "another change" }],
      [409, { code: "CONFIG_CHANGE_PENDING", detail: "another change" }],
      [503, { code: "NO_LEADER", detail: "no leader" }],
      [200, {}],
    ] as const;
    let asked = 0;
    const url = await listen((_, response) => {
      const [status, body] = answers[asked++] ?? [500, {}];
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    const reasons: string[] = [];
    await join(url, request, never, (why) => reasons.push(why));
    expect(asked).to.equal(4);
    expect(reasons).to.deep.equal(["another change", "no leader"]);
  });

  it("gives up when the cluster refuses for good, with its words", async () => {
    const url = await listen((_, response) => {
      response.writeHead(409).end(JSON.stringify({ code: "MEMBER_EXISTS", detail: "n2 lives elsewhere" }));
    });
    const failure = await failureOf(join(url, request, never, () => undefined));
    expect(failure).to.be.instanceOf(StartError);
    expect(String(failure)).to.contain("n2 lives elsewhere");
  });

  it("ends at once, with its request, when it is abandoned", async () => {
    const abandon = new AbortController();
    let gone: Promise<unknown> = Promise.resolve();
    const url = await listen((incoming) => {
      gone = once(incoming.socket, "close");
      abandon.abort();
    });
    await join(url, request, abandon.signal, () => expect.fail("an abandoned join has nothing to say"));
    await gone;
  });

  it("tells what does not answer from what is no node", async () => {
    expect(String(await failureOf(clusterIdAt("http://127.0.0.1:1")))).to.contain("nobody answers");
    const url = await listen((_, response) => response.writeHead(404).end("not here"));
    expect(String(await failureOf(clusterIdAt(url)))).to.contain("not a node of a Balsa cluster");
  });
});
