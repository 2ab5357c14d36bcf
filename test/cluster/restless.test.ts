import { rm } from "node:fs/promises";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { BalsaClient, BalsaError, type BalsaNode, startNode } from "../../src/cluster/index.ts";
import { Random } from "../fuzz/random.ts";
import { expectEqualStates } from "./support/equal-states.ts";
import { type LinkFaults, LinkProxy } from "./support/link-proxy.ts";

const seed = Number(process.env["BALSA_FUZZ_SEED"] ?? 4_211);
const tickMs = 50;

/** Three nodes that reach each other through proxies alone. */
class RestlessCluster {
  readonly faults: LinkFaults = { delayMs: 0, isReset: (bytes) => this.#isReset(bytes) };
  readonly nodes: BalsaNode[] = [];
  readonly #proxies: LinkProxy[] = [];
  readonly #random = new Random(seed);
  readonly #clients: BalsaClient[] = [];
  resets = 0;
  /** The mean of the bytes after which a connection is reset; 0 is never. */
  resetBytesMean = 0;

  async add(snapshotLogBytes?: number): Promise<BalsaNode> {
    const id = `n${this.nodes.length + 1}`;
    const proxy = await LinkProxy.listen(this.faults);
    this.#proxies.push(proxy);
    const [first] = this.nodes;
    const begin =
      first === undefined
        ? ({ kind: "bootstrap" } as const)
        : ({ kind: "join", url: first.httpUrl, learner: false } as const);
    const bounds = snapshotLogBytes === undefined ? {} : { snapshotLogBytes };
    const node = await startNode({ id, begin, tickMs, advertiseRaft: proxy.address, ...bounds });
    proxy.leadTo(node.raftAddr);
    this.nodes.push(node);
    await node.ready();
    return node;
  }

  client(): BalsaClient {
    const client = new BalsaClient({ endpoints: this.nodes.map((node) => node.httpUrl), timeoutMs: 10_000 });
    this.#clients.push(client);
    return client;
  }

  get leader(): BalsaNode | undefined {
    return this.nodes.find((node) => node.standing.role === "leader");
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.nodes.map((node) => node.crash()));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await Promise.all(this.nodes.map((node) => rm(node.data, { recursive: true, force: true })));
  }

  #isReset(bytes: number): boolean {
    const reset = this.resetBytesMean > 0 && this.#random.below(this.resetBytesMean) < bytes;
    if (reset) this.resets += 1;
    return reset;
  }
}

/** Writes keys at once over several lanes; gives those that were acknowledged. No error says less than the truth. */
async function writeMany(client: BalsaClient, count: number, value: (key: string) => string): Promise<string[]> {
  const acknowledged: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const key = `k${next++}`;
      try {
        await client.put(key, value(key));
        acknowledged.push(key);
      } catch (cause) {
        if (!(cause instanceof BalsaError)) throw cause;
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  return acknowledged;
}

async function expectOnAll(
  nodes: readonly BalsaNode[],
  keys: readonly string[],
  value: (key: string) => string,
): Promise<void> {
  for (const node of nodes) {
    const found = await Promise.all(keys.map((key) => node.client.get(key)));
    const wrong = keys.filter((key, at) => new TextDecoder().decode(found[at]?.value) !== value(key));
    expect(wrong, `wrong or missing on ${node.id}`).to.deep.equal([]);
  }
  await expectEqualStates(nodes.map((node) => node.httpUrl));
}

function lettersOf(key: string): string {
  return `${key} `.repeat(40);
}

describe(`a restless network (BALSA_FUZZ_SEED=${seed})`, function () {
  this.timeout(60_000);
  let cluster: RestlessCluster;

  beforeEach(() => {
    cluster = new RestlessCluster();
  });

  afterEach(async () => {
    await cluster.end();
  });

  it("whose connections are reset in the middle of frames loses nothing that was acknowledged", async () => {
    for (let count = 0; count < 3; count++) await cluster.add();
    cluster.resetBytesMean = 12_000;
    const acknowledged = await writeMany(cluster.client(), 400, lettersOf);
    cluster.resetBytesMean = 0;
    expect(acknowledged.length).to.be.above(300);
    expect(cluster.resets, "or nothing was tried").to.be.above(5);
    await expectOnAll(cluster.nodes, acknowledged, lettersOf);
  });

  it("that is slow keeps its leader, and every write is answered", async () => {
    for (let count = 0; count < 3; count++) await cluster.add();
    cluster.faults.delayMs = 40;
    const term = cluster.leader?.standing.term;
    const acknowledged = await writeMany(cluster.client(), 150, lettersOf);
    expect(acknowledged).to.have.length(150);
    expect(cluster.leader?.standing.term).to.equal(term);
    cluster.faults.delayMs = 0;
    await expectOnAll(cluster.nodes, acknowledged, lettersOf);
  });
});
