/**
 * @module
 * What the client sends again and what never, and what it says of the outcome, against nodes that answer, refuse, break
 * off and keep silent.
 */

import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { BalsaClient, type ClientOptions } from "../../src/client/balsa-client.ts";
import { BalsaError } from "../../src/errors/balsa-error.ts";
import { type FakeNode, problem, type Respond, startFakeNode, unusedEndpoint } from "./fake-node.ts";

const open: { close(): unknown }[] = [];

async function node(respond: Respond): Promise<FakeNode> {
  const fake = await startFakeNode(respond);
  open.push(fake);
  return fake;
}

function clientOf(endpoints: readonly string[], options: Partial<ClientOptions> = {}): BalsaClient {
  const client = new BalsaClient({ endpoints, timeoutMs: 2_000, ...options });
  open.push(client);
  return client;
}

async function errorFrom(call: Promise<unknown>): Promise<BalsaError> {
  const caught = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (caught instanceof BalsaError) return caught;
  throw new Error("the call did not throw a BalsaError", { cause: caught });
}

const acceptPut: Respond = (_, response) => {
  response.writeHead(204, { etag: '"7"', "balsa-revision": "9" }).end();
};
const acceptGet: Respond = (_, response) => {
  response.writeHead(200, { etag: '"3"', "balsa-revision": "5" }).end("x");
};
const breakOff: Respond = (_, response) => response.destroy();
const refuse =
  (status: number, code: string, outcome: string): Respond =>
  (_, response) =>
    problem(response, status, code, outcome);

/** Each request as the next of the list says, and as its last from then on. */
function inTurn(...responds: readonly Respond[]): Respond {
  let at = 0;
  return (asked, response) => responds[Math.min(at++, responds.length - 1)]?.(asked, response);
}

function keysOf({ asked }: FakeNode): unknown[] {
  return asked.map(({ headers }) => headers["idempotency-key"]);
}

const passing = [
  [503, "NO_LEADER", "not-applied"],
  [503, "OVERLOADED", "not-applied"],
  [503, "SHUTTING_DOWN", "not-applied"],
  [503, "LEADERSHIP_LOST", "unknown"],
  [504, "TIMEOUT", "unknown"],
] as const;

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

describe("a call of the client", () => {
  it("takes the next endpoint when the connection is refused, and stays there", async () => {
    const fake = await node(acceptPut);
    const client = clientOf([await unusedEndpoint(), fake.endpoint]);
    await client.put("a", "1");
    await client.put("b", "2");
    expect(fake.asked).to.have.length(2);
  });

  it("goes through the endpoints again until one has started", async () => {
    const fake = await node(
      inTurn(refuse(503, "NO_LEADER", "not-applied"), refuse(503, "NO_LEADER", "not-applied"), acceptPut),
    );
    await clientOf([fake.endpoint]).put("a", "1");
    expect(fake.asked).to.have.length(3);
  });

  it("ends after as many rounds as it may make", async () => {
    const fake = await node(refuse(503, "NO_LEADER", "not-applied"));
    const error = await errorFrom(clientOf([fake.endpoint], { roundsMax: 2 }).put("a", "1"));
    expect(error).to.include({ code: "NO_LEADER", outcome: "not-applied" });
    expect(fake.asked).to.have.length(2);
  });

  it("says that nobody can be reached, and that nothing was applied", async () => {
    const client = clientOf([await unusedEndpoint(), await unusedEndpoint()], { timeoutMs: 200 });
    const error = await errorFrom(client.put("a", "1"));
    expect(error).to.include({ code: "UNREACHABLE", outcome: "not-applied" });
    expect(error.message).to.match(/ECONNREFUSED.*; .*ECONNREFUSED/);
  });

  it("ends with the reason of its signal, before it is sent and while it waits", async () => {
    const silent = await node(() => undefined);
    const client = clientOf([silent.endpoint]);
    const reason = new Error("enough");
    const early = await client.get("a", { signal: AbortSignal.abort(reason) }).catch((cause: unknown) => cause);
    expect(early).to.equal(reason);
    expect(silent.asked).to.have.length(0);
    const ending = new AbortController();
    const late = client.get("a", { signal: ending.signal }).catch((cause: unknown) => cause);
    while (silent.asked.length === 0) await new Promise(setImmediate);
    ending.abort(reason);
    expect(await late).to.equal(reason);
  });

  it("is refused once the client is closed", async () => {
    const fake = await node(acceptPut);
    const client = clientOf([fake.endpoint]);
    client.close();
    const error = await errorFrom(client.put("a", "1"));
    expect(error).to.include({ code: "UNREACHABLE", outcome: "not-applied", message: "this client is closed" });
  });

  it("follows a redirect among its endpoints, bytes of the path as they are", async () => {
    const leader = await node(acceptPut);
    const follower = await node(({ path }, response) => {
      response.writeHead(307, { location: `${leader.endpoint}${path}` }).end();
    });
    await clientOf([follower.endpoint, leader.endpoint]).put("..", "1");
    expect(leader.asked[0]?.path).to.equal("/key/%2E%2E");
  });

  it("follows no redirect to a host that it was not given", async () => {
    const stranger = await node(acceptPut);
    const follower = await node(({ path }, response) => {
      response.writeHead(307, { location: `${stranger.endpoint}${path}` }).end();
    });
    const error = await errorFrom(clientOf([follower.endpoint]).put("a", "secret"));
    expect(error.message).to.contain("none of the endpoints");
    expect(stranger.asked).to.have.length(0);
  });
});

describe("a read of the client", () => {
  for (const [status, code, outcome] of [...passing, [503, "TOO_STALE", "not-applied"] as const]) {
    it(`is asked of the next node after ${code}`, async () => {
      const first = await node(refuse(status, code, outcome));
      const fake = await node(acceptGet);
      expect((await clientOf([first.endpoint, fake.endpoint]).get("a"))?.revision).to.equal(5);
    });
  }

  it("is asked of the next node when its connection breaks, or the node keeps silent", async () => {
    for (const respond of [breakOff, () => undefined]) {
      const first = await node(respond);
      const fake = await node(acceptGet);
      expect((await clientOf([first.endpoint, fake.endpoint]).get("a"))?.revision).to.equal(5);
    }
  });

  it("is not asked again when it is refused for what it is", async () => {
    const fake = await node(refuse(400, "BAD_REQUEST", "not-applied"));
    expect(await errorFrom(clientOf([fake.endpoint]).get("a"))).to.include({ code: "BAD_REQUEST" });
    expect(fake.asked).to.have.length(1);
  });
});

describe("a write of the client", () => {
  for (const [status, code, outcome] of passing) {
    it(`is sent again after ${code}, and applied once`, async () => {
      const first = await node(refuse(status, code, outcome));
      const fake = await node(acceptPut);
      expect((await clientOf([first.endpoint, fake.endpoint]).put("a", "1")).revision).to.equal(9);
      // A cluster that has no room for keys still takes the write.
      const key = code === "OVERLOADED" ? undefined : keysOf(first)[0];
      expect(keysOf(fake)).to.deep.equal([key]);
    });
  }

  it("has a key of its own, a fresh one each", async () => {
    const fake = await node(acceptPut);
    const client = clientOf([fake.endpoint]);
    await client.put("a", "1");
    await client.delete("a").catch(() => undefined);
    const [one, other] = keysOf(fake);
    expect(one).to.match(/^[\w-]{16}$/);
    expect(other)
      .to.match(/^[\w-]{16}$/)
      .and.not.equal(one);
  });

  it("is sent again under one key when its connection breaks after it was sent", async () => {
    const breaking = await node(inTurn(breakOff, acceptPut));
    await clientOf([breaking.endpoint]).put("a", "1");
    const [first, second] = keysOf(breaking);
    expect(breaking.asked).to.have.length(2);
    expect(second).to.equal(first);
  });

  it("keeps the key that it was given, also when the cluster has no room for keys", async () => {
    const fake = await node(inTurn(refuse(503, "OVERLOADED", "not-applied"), acceptPut));
    await clientOf([fake.endpoint], { repeatWrites: false }).put("a", "1", { idempotencyKey: "mine" });
    expect(keysOf(fake)).to.deep.equal(["mine", "mine"]);
  });

  it("is never sent again without a key once its outcome is unknown", async () => {
    for (const respond of [refuse(503, "LEADERSHIP_LOST", "unknown"), refuse(503, "NO_LEADER", "unknown"), breakOff]) {
      const uncertain = await node(respond);
      const fake = await node(acceptPut);
      const client = clientOf([uncertain.endpoint, fake.endpoint], { repeatWrites: false });
      expect(await errorFrom(client.put("a", "1"))).to.include({ outcome: "unknown" });
      expect(fake.asked).to.have.length(0);
      expect(keysOf(uncertain)).to.deep.equal([undefined]);
    }
  });

  it("keeps its key when the cluster has no room for it after an attempt in doubt", async () => {
    const fake = await node(inTurn(breakOff, refuse(503, "OVERLOADED", "not-applied"), acceptPut));
    await clientOf([fake.endpoint]).put("a", "1");
    const keys = keysOf(fake);
    expect(keys).to.have.length(3);
    expect(new Set(keys).size).to.equal(1);
  });

  it("without a key goes on when it certainly was not applied", async () => {
    const refusing = await node(refuse(503, "NO_LEADER", "not-applied"));
    const fake = await node(acceptPut);
    const client = clientOf([refusing.endpoint, fake.endpoint], { repeatWrites: false });
    expect((await client.put("a", "1")).revision).to.equal(9);
  });

  it("is unknown when one attempt is, whatever the others were told", async () => {
    const fake = await node(inTurn(breakOff, refuse(503, "NO_LEADER", "not-applied")));
    const error = await errorFrom(clientOf([fake.endpoint], { timeoutMs: 300 }).put("a", "1"));
    expect(error).to.include({ code: "CONNECTION_LOST", outcome: "unknown" });
    const refusing = await node(inTurn(breakOff, refuse(507, "STORAGE_FULL", "not-applied")));
    const full = await errorFrom(clientOf([refusing.endpoint]).put("a", "1"));
    expect(full).to.include({ code: "STORAGE_FULL", outcome: "unknown" });
  });

  it("is settled by the outcome that is remembered under its key", async () => {
    const fake = await node(inTurn(breakOff, refuse(412, "PRECONDITION_FAILED", "not-applied")));
    const error = await errorFrom(clientOf([fake.endpoint]).put("a", "1", { condition: "absent" }));
    expect(error).to.include({ code: "PRECONDITION_FAILED", outcome: "not-applied" });
  });

  it("gives up a silent node in time, with an unknown outcome", async () => {
    const silent = await node(() => undefined);
    const error = await errorFrom(clientOf([silent.endpoint], { timeoutMs: 50 }).put("a", "1"));
    expect(error).to.include({ code: "TIMEOUT", outcome: "unknown" });
  });

  it("calls an answer that it does not understand INTERNAL, outcome unknown", async () => {
    const fake = await node((_, response) => {
      response.writeHead(418).end("<html>");
    });
    const error = await errorFrom(clientOf([fake.endpoint]).put("a", "1"));
    expect(error).to.include({ code: "INTERNAL", outcome: "unknown" });
  });

  it("of members goes out once, and without a key", async () => {
    const fake = await node(breakOff);
    const error = await errorFrom(clientOf([fake.endpoint]).members.remove("n1"));
    expect(error).to.include({ code: "CONNECTION_LOST", outcome: "unknown" });
    expect(keysOf(fake)).to.deep.equal([undefined]);
  });
});
