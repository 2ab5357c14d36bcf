import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ask, problemOf } from "./client.ts";
import { FakeNode, memberAt } from "./fake-node.ts";

function joinBody(id: string, port: number, more: object = {}): { readonly body: string } {
  const { httpAddr, raftAddr } = memberAt(port);
  return { body: JSON.stringify({ id, httpAddr, raftAddr, ...more }) };
}

describe("http: cluster", () => {
  let node: FakeNode;

  beforeEach(async () => {
    node = await FakeNode.start();
  });

  afterEach(async () => {
    await node.stop();
    expect(node.failures).to.deep.equal([]);
  });

  it("lists the members with the leader's view of each", async () => {
    const reply = await ask(node.port, "GET", "/cluster/members");
    const { members } = JSON.parse(reply.body.toString());
    expect(members).to.have.length(3);
    expect(members[0]).to.include({ id: "n1", role: "voter", leader: true, matchIndex: 7, healthy: true });
    expect(members[1]).to.deep.equal({
      id: "n2",
      httpAddr: "127.0.0.1:8092",
      raftAddr: "127.0.0.1:9092",
      role: "voter",
      leader: false,
      matchIndex: 7,
      healthy: true,
    });
  });

  it("answers a join once the node votes, and the same again", async () => {
    const asked = joinBody("n4", 8094, { incarnation: "i4" });
    const joined = await ask(node.port, "POST", "/join", asked);
    expect(joined.status).to.equal(200);
    expect(JSON.parse(joined.body.toString())).to.deep.equal({
      id: "n4",
      httpAddr: "127.0.0.1:8094",
      raftAddr: "127.0.0.1:9094",
      role: "voter",
      leader: false,
    });
    expect(node.configuration.voters).to.include("n4");
    node.asked.length = 0;
    expect((await ask(node.port, "POST", "/join", asked)).status).to.equal(200);
    expect(node.asked.map((message) => message.kind)).to.not.include("proposeConfiguration");
    const other = await ask(node.port, "POST", "/join", joinBody("n4", 8094, { incarnation: "i5" }));
    expect(problemOf(other).code).to.equal("MEMBER_EXISTS");
    expect(problemOf(other).detail).to.include("run: balsa member replace n4 --incarnation i5");
  });

  it("refuses an id or an address that another has", async () => {
    for (const asked of [joinBody("n2", 8094), joinBody("n4", 8092)]) {
      const reply = await ask(node.port, "POST", "/join", asked);
      expect(problemOf(reply)).to.include({ code: "MEMBER_EXISTS", status: 409, outcome: "not-applied" });
    }
  });

  it("says TIMEOUT when the node never comes to vote, and CONFIG_CHANGE_PENDING when the change never began", async () => {
    const headers = { "balsa-timeout": "200ms" };
    node.onMessage = (message) => {
      if (message.kind !== "proposeConfiguration") return false;
      node.toIngress({ kind: "proposalAccepted", proposalId: message.proposalId, term: 1 });
      return true;
    };
    const slow = await ask(node.port, "POST", "/join", { ...joinBody("n4", 8094), headers });
    expect(problemOf(slow)).to.include({ code: "TIMEOUT", status: 504, outcome: "unknown" });
    node.onMessage = (message) => {
      if (message.kind !== "proposeConfiguration") return false;
      node.toIngress({ kind: "proposalRefused", proposalId: message.proposalId, reason: "configurationPending" });
      return true;
    };
    const pending = await ask(node.port, "POST", "/join", { ...joinBody("n4", 8094), headers });
    expect(problemOf(pending)).to.include({ code: "CONFIG_CHANGE_PENDING", status: 409, outcome: "not-applied" });
  });

  it("removes members, the leader after it has handed over, and never the last voter", async () => {
    expect((await ask(node.port, "POST", "/remove", { body: '{"id":"n1"}' })).status).to.equal(200);
    const kinds = node.asked.map((message) => message.kind);
    expect(kinds.indexOf("transferLeadership")).to.be.within(0, kinds.indexOf("proposeConfiguration"));
    const unknown = await ask(node.port, "POST", "/remove", { body: '{"id":"n1"}' });
    expect(problemOf(unknown)).to.include({ code: "MEMBER_NOT_FOUND", status: 404 });
    const follower = node.leaderId === "n2" ? "n3" : "n2";
    expect((await ask(node.port, "POST", "/remove", { body: `{"id":"${follower}"}` })).status).to.equal(200);
    const last = await ask(node.port, "POST", "/remove", { body: `{"id":"${node.leaderId}"}` });
    expect(problemOf(last)).to.include({ code: "LAST_VOTER", status: 409 });
  });

  it("keeps a member that nobody can reach a learner, and says so in time", async () => {
    node.unreached.add("n4");
    const headers = { "balsa-timeout": "1s" };
    const added = await ask(node.port, "POST", "/join", { ...joinBody("n4", 8094), headers });
    expect(problemOf(added)).to.include({ code: "TIMEOUT", status: 504, outcome: "unknown" });
    expect(problemOf(added).detail).to.include("has not reached it at 127.0.0.1:9094");
    expect(node.configuration).to.deep.include({ voters: ["n1", "n2", "n3"], learners: ["n4"] });
    expect((await ask(node.port, "POST", "/remove", { body: '{"id":"n4"}' })).status).to.equal(200);
  });

  it("does not remove a voter without which no quorum would be alive", async () => {
    node.unreached.add("n3");
    const reply = await ask(node.port, "POST", "/remove", { body: '{"id":"n2"}' });
    expect(problemOf(reply)).to.include({ code: "QUORUM_AT_RISK", status: 409, outcome: "not-applied" });
    expect(problemOf(reply).detail).to.include("not: n3");
    expect((await ask(node.port, "POST", "/remove", { body: '{"id":"n3"}' })).status).to.equal(200);
  });

  it("refuses names that no node can have, and directories that no peer could read", async () => {
    for (const more of [{ id: "constructor" }, { id: "__proto__" }, { id: "a b" }, { incarnation: "{}" }]) {
      const reply = await ask(node.port, "POST", "/join", joinBody("n4", 8094, more));
      expect(problemOf(reply), JSON.stringify(more)).to.include({ code: "BAD_REQUEST", status: 400 });
    }
    const unknown = await ask(node.port, "POST", "/remove", { body: '{"id":"constructor"}' });
    expect(problemOf(unknown)).to.include({ code: "MEMBER_NOT_FOUND", status: 404 });
    expect(node.asked.map((message) => message.kind)).to.not.include("proposeConfiguration");
  });

  it("has members as resources: added, moved, promoted, removed", async () => {
    const learner = joinBody("n4", 8094, { role: "learner" });
    const added = await ask(node.port, "POST", "/cluster/members", learner);
    expect([added.status, added.headers["location"]]).to.deep.equal([201, "/cluster/members/n4"]);
    expect(JSON.parse(added.body.toString())).to.include({ id: "n4", role: "learner" });
    expect((await ask(node.port, "POST", "/cluster/members", learner)).status).to.equal(200);

    const moved = await ask(node.port, "PATCH", "/cluster/members/n%34", { body: '{"httpAddr":"h:8194"}' });
    expect(moved.status).to.equal(200);
    expect(node.configuration.members["n4"]).to.include({ httpAddr: "h:8194", raftAddr: "127.0.0.1:9094" });
    const taken = await ask(node.port, "PATCH", "/cluster/members/n4", { body: '{"raftAddr":"127.0.0.1:9092"}' });
    expect(problemOf(taken)).to.include({ code: "MEMBER_EXISTS", status: 409 });

    const promoted = await ask(node.port, "POST", "/cluster/members/n4/promote");
    expect(JSON.parse(promoted.body.toString())).to.include({ id: "n4", role: "voter" });
    const removed = await ask(node.port, "DELETE", "/cluster/members/n4");
    expect([removed.status, removed.body.length]).to.deep.equal([204, 0]);
  });

  it("moves only the member whose data directory is meant", async () => {
    await ask(node.port, "POST", "/join", joinBody("n4", 8094, { incarnation: "i4" }));
    const body = (incarnation: string): string => JSON.stringify({ httpAddr: "h:8194", incarnation });
    const other = await ask(node.port, "PATCH", "/cluster/members/n4", { body: body("i5") });
    expect(problemOf(other)).to.include({ code: "MEMBER_EXISTS", status: 409 });
    expect((await ask(node.port, "PATCH", "/cluster/members/n4", { body: body("i4") })).status).to.equal(200);
  });

  it("does not know members that are not there, whatever is asked of them", async () => {
    for (const [method, path, body] of [
      ["DELETE", "/cluster/members/n9", ""],
      ["PATCH", "/cluster/members/n9", '{"httpAddr":"h:1"}'],
      ["POST", "/cluster/members/n9/promote", ""],
      ["DELETE", "/cluster/members/%20", ""],
      ["DELETE", "/cluster/members/a%2Fb", ""],
    ] as const) {
      const reply = await ask(node.port, method, path, { body });
      expect(problemOf(reply), path).to.include({ code: "MEMBER_NOT_FOUND", status: 404 });
    }
    expect((await ask(node.port, "GET", "/cluster/members/n1")).headers["allow"]).to.equal("PATCH, DELETE");
    for (const path of ["/cluster/members/", "/cluster/members/n1/demote", "/cluster/members/n1/promote/"]) {
      expect(problemOf(await ask(node.port, "POST", path)).code, path).to.equal("ROUTE_NOT_FOUND");
    }
    const bad = await ask(node.port, "PATCH", "/cluster/members/n1", { body: "{}" });
    expect(problemOf(bad).code).to.equal("BAD_REQUEST");
  });

  it("asks nobody to lead whom the leader does not hear", async () => {
    node.unreached.add("n3");
    const headers = { "balsa-timeout": "200ms" };
    const reply = await ask(node.port, "POST", "/cluster/transfer", { body: '{"to":"n3"}', headers });
    expect(problemOf(reply)).to.include({ code: "TIMEOUT", status: 504 });
    expect(node.asked.map((message) => message.kind)).to.not.include("transferLeadership");
  });

  it("transfers leadership, and says when nobody took over", async () => {
    expect((await ask(node.port, "POST", "/cluster/transfer", { body: '{"to":"n2"}' })).status).to.equal(200);
    expect(node.leaderId).to.equal("n2");
    const unknown = await ask(node.port, "POST", "/cluster/transfer", { body: '{"to":"n9"}' });
    expect(problemOf(unknown).code).to.equal("MEMBER_NOT_FOUND");
    node.onMessage = (message) => message.kind === "transferLeadership";
    const headers = { "balsa-timeout": "60ms" };
    const stuck = await ask(node.port, "POST", "/cluster/transfer", { body: '{"to":"n3"}', headers });
    expect(problemOf(stuck)).to.include({ code: "TIMEOUT", status: 504 });
  });

  it("tells its status", async () => {
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    const status = JSON.parse((await ask(node.port, "GET", "/status")).body.toString());
    expect(status).to.have.all.keys(
      "id",
      "clusterId",
      "role",
      "term",
      "leader",
      "commitIndex",
      "appliedIndex",
      "lastLogIndex",
      "snapshotIndex",
      "revision",
      "compactedRevision",
      "members",
      "uptimeMs",
      "version",
      "storage",
      "alarms",
      "httpAddr",
      "raftAddr",
    );
    expect(status).to.deep.include({
      id: "n1",
      clusterId: "c1",
      httpAddr: "127.0.0.1:8091",
      raftAddr: "127.0.0.1:9091",
      role: "leader",
      term: 1,
      leader: { id: "n1", httpAddr: "127.0.0.1:8091" },
      revision: 1,
      appliedIndex: 1,
    });
  });

  it("is ready with a leader and an applied state, and says why when it is not", async () => {
    expect((await ask(node.port, "GET", "/readyz")).status).to.equal(503);
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    expect((await ask(node.port, "GET", "/readyz")).status).to.equal(503);
    node.hearLeader();
    expect((await ask(node.port, "GET", "/readyz")).status).to.equal(200);
    const verbose = JSON.parse((await ask(node.port, "GET", "/readyz?verbose")).body.toString());
    expect(verbose.checks.map((check: { name: string }) => check.name)).to.deep.equal([
      "running",
      "leader",
      "member",
      "state",
      "applied",
    ]);
    node.leaderId = null;
    node.tellLeadership();
    await ask(node.port, "PUT", "/key/a", { headers: { "balsa-timeout": "1ms" } });
    const reply = await ask(node.port, "GET", "/readyz");
    expect(reply.status).to.equal(503);
    expect(reply.body.toString()).to.include("no leader is known");
  });

  it("exports metrics as Prometheus text, histograms from the board included", async () => {
    node.board.record("heartbeatGap", 100_000);
    node.board.record("heartbeatGap", 300_000);
    await ask(node.port, "PUT", "/key/a", { body: "1" });
    const reply = await ask(node.port, "GET", "/metrics");
    const text = reply.body.toString();
    expect(reply.headers["content-type"]).to.include("text/plain");
    expect(text).to.include('balsa_heartbeat_gap_seconds_bucket{le="0.2"} 1\n');
    expect(text).to.include('balsa_heartbeat_gap_seconds_bucket{le="+Inf"} 2\n');
    expect(text).to.include("balsa_heartbeat_gap_seconds_sum 0.4\n");
    expect(text).to.include('balsa_http_requests_total{method="PUT",status="2xx"} 1\n');
    expect(text).to.include('balsa_http_request_seconds_count{kind="write"} 1\n');
    expect(text).to.include("balsa_is_leader 1\n");
    expect(text).to.include("balsa_revision 1\n");
    expect(text).to.match(/balsa_edge_depth_frames\{edge="ingress>raft"\} 0\n/);
    expect(text).to.match(/balsa_event_loop_delay_seconds_count\{actor="raft"\} 0\n/);
  });
});
