/**
 * @module
 * `balsa get|put|del|keys|txn|lease|compact` on a real node: what they print, and their exit codes.
 */

import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { type BalsaNode, startNode } from "../../src/cluster/index.ts";
import { runCli } from "./run-cli.ts";

describe("the commands for ranges, transactions and leases", () => {
  let node: BalsaNode;

  before(async () => {
    node = await startNode();
    await node.ready();
  });

  after(() => node.close());

  async function run(
    args: readonly string[],
    stdin = "",
    interruptAfterBytes = Number.POSITIVE_INFINITY,
  ): Promise<{ code: number | null; out: string; err: string }> {
    const env = { BALSA_ENDPOINTS: node.httpUrl };
    const { code, stdout, stderr } = await runCli(args, { env, stdin: Buffer.from(stdin), interruptAfterBytes });
    return { code, out: stdout.toString(), err: stderr };
  }

  it("print keys and values of a range, in both orders", async () => {
    await node.client.putAll({ "p/a": "1", "p/b": "2", "q/a": "3" });
    expect(await run(["keys", "p/"])).to.deep.equal({ code: 0, out: "p/a\np/b\n", err: "" });
    expect((await run(["keys", "--start", "p/b", "--reverse", "--limit", "1"])).out).to.equal("q/a\n");
    expect((await run(["get", "p/", "--prefix"])).out).to.equal("p/a\n1\np/b\n2\n");
    const json = (await run(["keys", "p/", "--values", "-o", "json"])).out.trimEnd().split("\n");
    expect(json.map((line) => JSON.parse(line) as unknown)).to.have.nested.property("[1].value", "2");
    expect((await run(["keys", "p/", "-o", "table"])).out).to.match(/^key +modRevision +version +lease\n/);
    expect((await run(["del", "p/", "--prefix"])).out).to.equal("2\n");
    expect((await run(["keys"])).out).to.equal("q/a\n");
  });

  it("put under conditions, and exit 1 when they do not hold", async () => {
    expect((await run(["put", "c", "1", "--if-absent"])).code).to.equal(0);
    const refused = await run(["put", "c", "2", "--if-absent"]);
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/^balsa: PRECONDITION_FAILED: .* \(outcome: not-applied\)\n$/);
    const { modRevision } = JSON.parse((await run(["get", "c", "-o", "json"])).out) as { modRevision: number };
    expect((await run(["put", "c", "2", "--if-revision", String(modRevision)])).code).to.equal(0);
    expect((await run(["get", "c", "--revision", String(modRevision)])).out).to.equal("1");
    expect((await run(["del", "c", "--if-revision", String(modRevision)])).code).to.equal(1);
  });

  it("run a transaction from an argument and from stdin", async () => {
    const json = JSON.stringify({
      if: [{ key: "t", target: "version", op: "=", operand: 0 }],
      then: [{ put: { key: "t", value: "1" } }],
      else: [{ get: { key: "t" } }],
    });
    expect((await run(["txn", json])).out).to.match(/^SUCCESS\n\{"put":\{"modRevision":\d+\}\}\n$/);
    expect(JSON.parse((await run(["txn", "-o", "json"], json)).out)).to.have.nested.property(
      "results[0].get.value",
      "1",
    );
    const bad = await run(["txn"], '{"then":[{"jump":1}]}');
    expect(bad.code).to.equal(1);
    expect(bad.err).to.match(/^balsa: BAD_REQUEST: .*jump/);
  });

  it("grant, show, keep alive and revoke leases", async () => {
    const granted = await run(["lease", "grant", "30s"]);
    expect(granted.out).to.match(/^\d+\n$/);
    const id = granted.out.trim();
    expect((await run(["put", "alive", "yes", "--lease", id])).code).to.equal(0);
    expect((await run(["lease", "keepalive", id, "--once"])).out).to.equal(`lease ${id} lives for 30000 ms\n`);
    expect((await run(["lease", "list"])).out).to.match(
      new RegExp(`^${id} ttlMs=30000 remainingMs=\\d+ keys=alive\\n$`),
    );
    expect((await run(["lease", "revoke", id])).out).to.equal("OK\n");
    expect((await run(["get", "alive"])).code).to.equal(1);
    const ended = await run(["lease", "keepalive", id]);
    expect(ended).to.include({ code: 1 }).and.have.property("err").that.contains("LEASE_NOT_FOUND");
  });

  it("show one lease, as text and as JSON", async () => {
    const { id } = await node.client.leases.grant(30_000);
    expect((await run(["lease", "get", id])).out).to.match(new RegExp(`^${id} ttlMs=30000 remainingMs=\\d+ keys=`));
    expect((await run(["lease", "get", id, "-o", "json"])).out).to.include(`"${id}"`);
    await node.client.leases.revoke(id);
    const ended = await run(["lease", "get", id]);
    expect(ended).to.include({ code: 1, out: "" }).and.have.property("err").that.contains("LEASE_NOT_FOUND");
  });

  it("read what the node asked has, when that may be stale, and up to an end", async () => {
    await node.client.putAll({ "r/a": "1", "r/b": "2", "r/c": "3" });
    expect((await run(["get", "r/a", "--level", "stale", "--max-age", "1m"])).out).to.equal("1");
    expect((await run(["keys", "--start", "r/a", "--end", "r/c", "--level", "stale"])).out).to.equal("r/a\nr/b\n");
  });

  it("watch from a revision on, with what the keys were before", async () => {
    const { modRevision: first } = await node.client.put("w/a", "1");
    const { modRevision: second } = await node.client.put("w/a", "2");
    await node.client.put("w/b", "3");
    const { revision: last } = await node.client.delete("w/a");
    const args = ["watch", "--start", "w/a", "--end", "w/b", "--since", String(first), "--prev", "-o", "json"];
    const oneLine = await run(args, "", 1);
    const shown = JSON.parse(oneLine.out.split("\n")[0] ?? "") as object;
    expect(shown).to.include({ revision: second, kind: "put" });
    expect(oneLine).to.include({ code: 0, err: "" });
    const both = await run(args, "", Buffer.byteLength(oneLine.out.split("\n")[0] ?? "") + 2);
    const lines = both.out.trimEnd().split("\n");
    expect(lines).to.have.length(2);
    expect(JSON.parse(lines[1] ?? "")).to.include({ revision: last, kind: "delete" });
    for (const line of lines) expect(line).to.match(/"prev(ious)?":\{/);
  });

  it("compact, and say so when a revision is forgotten", async () => {
    await run(["put", "x", "1"]);
    const { revision } = await node.client.put("x", "2");
    expect((await run(["compact", String(revision)])).code).to.equal(0);
    const gone = await run(["get", "x", "--revision", String(revision - 1)]);
    expect(gone.err).to.contain("COMPACTED");
  });

  const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [["put", "a", "1", "--ttl", "5"], /A time has its unit, as 500ms/],
    [["put", "a", "1", "--ttl", "5s", "--lease", "7"], /cannot be used with/],
    [["put", "a", "1", "--if-absent", "--if-present"], /cannot be used with/],
    [["get", "a", "--revision", "x"], /A revision is a whole number/],
    [["get", "a", "--max-age", "1s"], /--max-age belongs to --level stale/],
    [["keys", "p/", "--start", "a"], /--start and --end go without a key or a prefix/],
    [["watch"], /a key is required, or --start or --end/],
    [["compact", "0"], /"0" is not a revision/],
    [["lease", "grant", "30"], /"30": A time has its unit/],
  ];
  for (const [args, says] of wrong) {
    it(`exit 2 and explain themselves: balsa ${args.join(" ")}`, async () => {
      const { code, out, err } = await run(args);
      expect(err).to.match(says);
      expect({ code, out }).to.deep.equal({ code: 2, out: "" });
    });
  }
});
