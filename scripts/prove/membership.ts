/**
 * @module
 * Experiment: members come and go under load, and an operator's mistakes cost nothing.
 */

import { rmSync } from "node:fs";
import { leaderOf, pause, type Stage, type StagedNode, until } from "../stage.ts";
import { formatCount, formatMs } from "../table.ts";
import { type Check, type Experiment, lossChecks } from "./experiment.ts";
import { Load, longestGap, verifyOn } from "./load.ts";
import { now } from "./load-protocol.ts";
import { balsa, listMembers, type MemberView, post } from "./member-calls.ts";

const writers = 32;
const gapMsMax = 3_000;
const settleMs = 1_500;
const memberMsMax = 30_000;
/** Nobody listens there. */
const deadAddress = { id: "dead", httpAddr: "127.0.0.1:1", raftAddr: "127.0.0.1:2" };

export const membership: Experiment = {
  name: "membership",
  claim: "Members come and go under load: nothing acknowledged is lost, and no mistake costs the quorum.",
  does:
    `Under load of ${writers} connections one node grows to five (two join at once, and one address is dead), the leader is ` +
    "removed twice, a machine is lost and replaced by one command, and every acknowledged write is read on each of " +
    "the three that are left.",
  async run(stage: Stage) {
    const nodes = await stage.places(5);
    const [first] = nodes;
    if (first === undefined) throw new Error("no node was placed");
    await first.start(["--bootstrap"]);
    const load = new Load({ urls: nodes.map((node) => node.url), writers, readers: 0, prefix: "membership" });
    try {
      return await new Course(nodes, load).run();
    } finally {
      await load.terminate();
    }
  },
};

/** What is done one after the other, and what each step showed. */
class Course {
  readonly #load: Load;
  readonly #checks: Check[] = [];
  readonly #steps: { readonly what: string; readonly startedAt: number }[] = [];
  #members: readonly StagedNode[];

  constructor(nodes: readonly StagedNode[], load: Load) {
    this.#members = nodes;
    this.#load = load;
  }

  async run(): Promise<readonly Check[]> {
    const nodes = this.#members;
    const beganAt = now();
    await this.#grow(nodes);
    await this.#addDeadAddress();
    await this.#removeLeader("first");
    await this.#removeLeader("second");
    await this.#replaceMachine();
    await pause(settleMs);
    const endedAt = now();
    const report = await this.#load.stop();
    this.#check("members in the end", "3 voters", await rolesAt(this.#anyone()));
    const gap = longestGap(report, beganAt, endedAt);
    const step = this.#steps.findLast(({ startedAt }) => startedAt <= gap.beganAt);
    this.#checks.push({
      what: `longest time without an acknowledged write, in ${formatMs(endedAt - beganAt)}`,
      wanted: `<= ${formatMs(gapMsMax)}`,
      measured: `${formatMs(gap.ms)}, ${formatMs(gap.beganAt - (step?.startedAt ?? beganAt))} after: ${step?.what ?? "the begin"}`,
      holds: gap.ms <= gapMsMax,
    });
    const written = formatCount(report.writer.length);
    this.#note("acknowledged / refused / unknown", `${written} / ${report.refused} / ${report.unknown}`);
    const ids = this.#members.map(({ id }) => id);
    this.#checks.push(...lossChecks(await verifyOn(this.#members, this.#load.prefix, report), ids));
    return this.#checks;
  }

  /** One after the other, but for the third and fourth, which join at once, each through another member. */
  async #grow([first, second, third, fourth, fifth]: readonly StagedNode[]): Promise<void> {
    if (!first || !second || !third || !fourth || !fifth) throw new Error("five nodes were placed");
    await pause(settleMs);
    const startedAt = now();
    this.#step("the second joins");
    await second.start(["--join", first.url]);
    this.#step("the third and fourth join");
    await Promise.all([third.start(["--join", first.url]), fourth.start(["--join", second.url])]);
    this.#step("the fifth joins");
    await fifth.start(["--join", third.url]);
    this.#note("grown from 1 to 5 within", formatMs(now() - startedAt));
    this.#check("members then", "5 voters", await rolesAt(fifth));
  }

  async #addDeadAddress(): Promise<void> {
    const door = this.#anyone();
    this.#step("a dead address joins");
    const joined = await post(`${door.url}/join`, deadAddress, "3s");
    this.#check("a dead address joins", "504 TIMEOUT", joined);
    this.#check("and stays a learner", "5 voters, 1 learner", await rolesAt(door));
    this.#check("and is removed", "200", await post(`${door.url}/remove`, { id: deadAddress.id }));
  }

  /** Asked of a follower. The node is ended only after it was answered, as an operator would. */
  async #removeLeader(which: string): Promise<void> {
    await pause(settleMs);
    const leader = await leaderOf(this.#members);
    const others = this.#members.filter((node) => node !== leader);
    const door = others[0] ?? leader;
    const startedAt = now();
    this.#step(`the leader is removed, ${which} time`);
    this.#check(`the leader is removed, ${which} time`, "200", await post(`${door.url}/remove`, { id: leader.id }));
    this.#note("answered after", formatMs(now() - startedAt));
    this.#members = others;
    this.#step("the removed leader is ended");
    await leader.stop();
  }

  /** A follower's machine is gone with its disk: its successor is refused, then takes its place by one command. */
  async #replaceMachine(): Promise<void> {
    await pause(settleMs);
    const leader = await leaderOf(this.#members);
    const lost = this.#members.find((node) => node !== leader);
    if (lost === undefined) throw new Error("nobody follows");
    this.#step("a machine is lost");
    await lost.kill();
    rmSync(lost.data, { recursive: true, force: true });
    const refusal = await lost.start(["--join", leader.url]).then(
      () => "it was taken in",
      (cause: Error) => cause.message,
    );
    const command = /balsa (member replace [^"\\]+)/.exec(refusal)?.[1];
    this.#check(
      "a wiped directory under a known id",
      "refused with the words",
      command === undefined ? refusal : "refused with the words",
    );
    this.#step("it is replaced");
    const args = (command ?? `member replace ${lost.id}`).trim().split(" ");
    const replaced = await balsa([...args, "--endpoints", leader.url]);
    this.#check(
      "balsa member replace",
      "exit 0",
      `exit ${replaced.code}${replaced.code === 0 ? "" : `: ${replaced.stderr}`}`,
    );
    this.#step("the new machine joins");
    await lost.start();
    const votes = await until(memberMsMax, async () => {
      const members = await listMembers(leader.url);
      return members.find(({ id }) => id === lost.id)?.role === "voter" ? true : undefined;
    });
    this.#check("the new machine", "votes", votes === true ? "votes" : "does not vote");
  }

  #step(what: string): void {
    this.#steps.push({ what, startedAt: now() });
  }

  #anyone(): StagedNode {
    const [node] = this.#members;
    if (node === undefined) throw new Error("no member is left");
    return node;
  }

  #check(what: string, wanted: string, measured: string): void {
    this.#checks.push({ what, wanted, measured, holds: wanted === measured });
  }

  #note(what: string, measured: string): void {
    this.#checks.push({ what, wanted: "", measured, holds: true });
  }
}

async function rolesAt(node: StagedNode): Promise<string> {
  const members = await listMembers(node.url);
  const count = (role: MemberView["role"]): number => members.filter((member) => member.role === role).length;
  return count("learner") === 0 ? `${count("voter")} voters` : `${count("voter")} voters, ${count("learner")} learner`;
}
