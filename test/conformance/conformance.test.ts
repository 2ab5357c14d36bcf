import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { forms } from "./forms.ts";
import { type Outcome, runFolder, summaryOf } from "./run-folder.ts";

const published = process.env["BALSA_CONFORMANCE"] ?? join("..", "shared", "conformance");

describe("conformance with others' cases", () => {
  it("every case is met, but for divergences of a kind that is known", function () {
    if (!existsSync(published)) {
      process.stdout.write(`skipped: ${published} is not there\n`);
      this.skip();
    }
    const outcome = runFolder(published, forms);
    expect(outcome.failed, outcome.lines.join("\n")).to.equal(0);
    expect(outcome.passed).to.be.greaterThan(0);
    expect(outcome.skipped * 5).to.be.at.most(outcome.passed + outcome.skipped);
  });
});

describe("the runner of conformance cases", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "balsa-conformance-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function run(...lines: readonly string[]): Outcome {
    writeFileSync(join(folder, "any-name"), lines.join("\n"));
    return runFolder(folder, forms);
  }

  it("knows a quorum table, whatever its name, and says what was expected and what came", () => {
    const outcome = run(
      "committed cfg=(1,2,3) idx=(7,_,5)",
      "----",
      "5",
      "",
      "vote cfg=(1) votes=(n)",
      "----",
      "VoteWon",
    );
    expect(summaryOf(outcome)).to.equal("1 passed, 1 failed, 0 skipped");
    expect(outcome.lines.join()).to.contain('any-name:5: expected "VoteWon", got "VoteLost"');
  });

  it("gives values to the ids of both halves in their order, each id once", () => {
    const outcome = run("committed cfg=(1,2) cfgj=(2,3) idx=(4, 9, 6)", "----", "4", "");
    expect(summaryOf(outcome)).to.equal("1 passed, 0 failed, 0 skipped");
  });

  it("knows a table of configuration changes, and tells a wrong probe from a right one", () => {
    const change = ["simple", "v1", "----", "voters=(1)", "1: StateProbe match=0 next=1", ""];
    expect(run(...change, "simple", "v2", "----", "voters=(1 2)", "x").failed).to.equal(1);
    expect(run(...change, "leave-joint", "----", "can't leave a non-joint config").passed).to.equal(2);
  });

  it("knows a transcript, and fails it at the first command that is answered otherwise", () => {
    const start = [
      "add-nodes 1 voters=(1) index=3",
      "----",
      "INFO log text is left out",
      "",
      "campaign 1",
      "----",
      "ok",
      "",
    ];
    const elected = ["stabilize log-level=none", "----", "ok", "", "raft-state", "----"];
    expect(run(...start, ...elected, "1: StateLeader (Voter) Term:1 Lead:1").passed).to.equal(1);
    const outcome = run(...start, ...elected, "1: StateLeader (Voter) Term:2 Lead:1");
    expect(summaryOf(outcome)).to.equal("0 passed, 1 failed, 0 skipped");
    expect(outcome.lines.join()).to.contain("any-name:13 raft-state");
  });

  it("shows what is left of a log when it was compacted", () => {
    const outcome = run(
      ...["add-nodes 1 voters=(1) index=3", "----", "ok", "", "campaign 1", "----", "ok", ""],
      ...["stabilize log-level=none", "----", "ok", "", "propose 1 x", "----", "ok", ""],
      ...["stabilize log-level=none", "----", "ok", "", "compact 1 4", "----", '1/5 EntryNormal "x"', ""],
      ...["compact 1 5", "----", "log is empty: first index=6, last index=5"],
    );
    expect(summaryOf(outcome), outcome.lines.join()).to.equal("1 passed, 0 failed, 0 skipped");
  });

  it("shows a snapshot when it was told to send it", () => {
    const outcome = run(
      ...["add-nodes 2 voters=(1,2) index=3", "----", "ok", "", "send-snapshot 1 2", "----"],
      "1->2 MsgSnap Term:0 Log:0/0",
      "  Snapshot: Index:3 Term:1 ConfState:Voters:[1 2] VotersOutgoing:[] Learners:[] LearnersNext:[] AutoLeave:false",
    );
    expect(summaryOf(outcome), outcome.lines.join()).to.equal("1 passed, 0 failed, 0 skipped");
  });

  it("skips a transcript that asks for what the core has not, and says what that is", () => {
    const outcome = run("add-nodes 1 voters=(1)", "----", "ok", "", "levitate 1", "----", "ok");
    expect(summaryOf(outcome)).to.equal("0 passed, 0 failed, 1 skipped");
    expect(outcome.lines.join()).to.contain("the core has no `levitate`");
  });

  it("knows a history, and holds the checker against the verdict that its publisher gives", () => {
    const history = ["0\t:invoke\t:write\t1", "0\t:ok\t:write\t1", "0\t:invoke\t:read\tnil", "0\t:ok\t:read\t2"];
    const text = history.map((line) => `INFO  jepsen.util - ${line}\n`).join("");
    for (const name of ["log_7.log", "log_8.log", "some.log"]) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "README.md"), "Linearizable here: 5 7; the others are not.");
    const outcome = runFolder(folder, forms);
    expect(summaryOf(outcome)).to.equal("1 passed, 1 failed, 1 skipped");
    expect(outcome.lines.join()).to.contain('log_7.log: expected "linearizable", got "not linearizable"');
    expect(outcome.lines.join()).to.contain("some.log: it is not linearizable, and neither its name nor a README says");
  });

  it("complains of a folder that is not there or holds nothing known", () => {
    expect(() => runFolder(join(folder, "elsewhere"), forms)).to.throw("does not exist");
    expect(() => run("just words")).to.throw("holds no file of a known form");
  });
});
