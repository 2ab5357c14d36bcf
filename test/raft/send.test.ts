import { expect } from "chai";
import { describe, it } from "mocha";
import type { Message } from "../../src/raft/message.ts";
import { sendAfterWrite } from "../../src/raft/send.ts";
import { CoreCluster } from "../support/core-cluster.ts";

function matched(matchIndex: number, to = "a", term = 1): Message {
  return { kind: "appendEntriesMatched", from: "b", to, term, matchIndex };
}

function rejected(to = "a"): Message {
  const hint = { term: 0, index: 0 };
  return { kind: "appendEntriesRejected", from: "b", to, term: 1, prevLogIndex: 3, hint };
}

describe("acknowledgements of one turn", () => {
  for (const [what, messages, left] of [
    ["are one, the highest", [matched(3), matched(5), matched(5)], [matched(5)]],
    ["stay two when the later says less", [matched(5), matched(3)], [matched(5), matched(3)]],
    ["stay two to two nodes", [matched(3), matched(5, "c")], [matched(3), matched(5, "c")]],
    ["stay two of two terms", [matched(3), matched(5, "a", 2)], [matched(3), matched(5, "a", 2)]],
    ["do not stand for a refusal", [rejected(), matched(5)], [rejected(), matched(5)]],
    ["are not taken back by one", [matched(5), rejected()], [matched(5), rejected()]],
  ] as const)
    it(what, () => {
      const { state } = new CoreCluster(["a", "b", "c"]).node("b");
      for (const message of messages) sendAfterWrite(state, message);
      expect(state.outbox.afterWrite).to.deep.equal(left);
    });
});
