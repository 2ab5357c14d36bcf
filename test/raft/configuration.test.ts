import { expect } from "chai";
import { describe, it } from "mocha";
import {
  changed,
  enterJoint,
  leaveJoint,
  memberIds,
  refusalOf,
  simple,
  tryChange,
} from "../../src/raft/configuration.ts";
import type { Configuration, ConfigurationStep } from "../../src/raft/types.ts";
import { configurationOf, memberOf } from "../support/core-node.ts";

const add = (nodeId: string): ConfigurationStep => ({ kind: "addVoter", nodeId, member: memberOf(nodeId) });
const learn = (nodeId: string): ConfigurationStep => ({ kind: "addLearner", nodeId, member: memberOf(nodeId) });
const remove = (nodeId: string): ConfigurationStep => ({ kind: "remove", nodeId });
const abc = configurationOf(["a", "b", "c"]);

function after(configuration: Configuration, ...steps: readonly ConfigurationStep[]): Configuration {
  const outcome = simple(configuration, steps);
  if (outcome.kind === "refused") throw new Error(outcome.detail);
  return outcome.configuration;
}

describe("configuration", () => {
  it("a simple change adds, removes, demotes or promotes one voter", () => {
    expect(after(abc, add("d")).voters).to.deep.equal(["a", "b", "c", "d"]);
    expect(after(abc, remove("b"))).to.deep.equal(configurationOf(["a", "c"]));
    expect(after(abc, learn("b"))).to.deep.equal(configurationOf(["a", "c"], ["b"]));
    expect(after(configurationOf(["a"], ["b"]), add("b"))).to.deep.equal(configurationOf(["a", "b"]));
  });

  it("who is removed is in no list any more: a learner, and one that was to become it", () => {
    expect(after(configurationOf(["a"], ["b"]), remove("b"))).to.deep.equal(configurationOf(["a"]));
    const steps = [learn("a"), remove("a"), add("d")];
    const joint = changed(abc, { steps, transition: "jointExplicit" });
    expect(joint).to.deep.include({ learners: [], learnersNext: [], votersOutgoing: ["a", "b", "c"] });
    expect(joint.members["a"], "it still counts in the outgoing half").to.not.equal(undefined);
    expect(leaveJoint(joint)).to.deep.equal({ kind: "changed", configuration: configurationOf(["b", "c", "d"]) });
  });

  it("lists stay sorted, and members are exactly those that the lists name", () => {
    const grown = after(after(abc, learn("0")), add("Z"));
    expect(grown.voters).to.deep.equal(["Z", "a", "b", "c"]);
    expect(Object.keys(grown.members).sort()).to.deep.equal(memberIds(grown));
  });

  it("refuses two voters at once, the last voter's removal, and what a joint configuration does not allow", () => {
    expect(simple(abc, [add("d"), remove("a")])).to.include({ kind: "refused", reason: "invalidConfiguration" });
    expect(simple(configurationOf(["a"]), [remove("a")])).to.include({ kind: "refused", reason: "lastVoter" });
    const joint = changed(abc, { steps: [add("d"), remove("a")], transition: "jointExplicit" });
    expect(simple(joint, [add("e")])).to.include({ kind: "refused" });
    expect(enterJoint(joint, { steps: [add("e")], autoLeave: true })).to.include({ kind: "refused" });
    expect(leaveJoint(abc)).to.include({ kind: "refused" });
  });

  it("a joint configuration keeps the former voters, and those demoted as learners to be", () => {
    const joint = changed(abc, { steps: [learn("a"), remove("b"), add("d")], transition: "jointImplicit" });
    expect(joint).to.deep.include({
      voters: ["c", "d"],
      votersOutgoing: ["a", "b", "c"],
      learners: [],
      learnersNext: ["a"],
      autoLeave: true,
    });
    expect(memberIds(joint)).to.deep.equal(["a", "b", "c", "d"]);
    expect(changed(joint, { steps: [], transition: "auto" })).to.deep.equal(configurationOf(["c", "d"], ["a"]));
  });

  it("several steps go through a joint configuration by themselves, one does not", () => {
    expect(changed(abc, { steps: [add("d"), add("e")], transition: "auto" }).votersOutgoing).to.deep.equal(abc.voters);
    expect(changed(abc, { steps: [add("d")], transition: "auto" }).votersOutgoing).to.deep.equal([]);
  });

  it("a committed change about an unknown id changes nothing; one that is proposed is refused", () => {
    expect(changed(abc, { steps: [remove("x")], transition: "auto" })).to.deep.equal(abc);
    expect(refusalOf(abc, { steps: [remove("x")], transition: "auto" })).to.equal("invalidConfiguration");
    expect(refusalOf(abc, { steps: [remove("a")], transition: "auto" })).to.equal(null);
    expect(refusalOf(configurationOf(["a"]), { steps: [remove("a")], transition: "auto" })).to.equal("lastVoter");
  });

  it("a change that cannot follow leaves the configuration as it was", () => {
    expect(changed(abc, { steps: [], transition: "auto" })).to.equal(abc);
    expect(tryChange(abc, { steps: [], transition: "auto" })).to.include({ kind: "refused" });
  });

  it("an update changes addresses and nothing else, and a demoted voter is not promoted again", () => {
    const member = { ...memberOf("b"), httpAddr: "elsewhere:80" };
    const updated = after(abc, { kind: "update", nodeId: "b", member });
    expect(updated).to.deep.equal({ ...abc, members: { ...abc.members, b: member } });
    expect(after(abc, learn("b")).members.b?.standing).to.equal("learner");
  });
});
