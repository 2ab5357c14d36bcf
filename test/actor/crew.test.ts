import { expect } from "chai";
import { describe, it } from "mocha";
import { type ActorName, actorNames } from "../../src/actor/context.ts";
import { ActorEndedError, Crew } from "../../src/actor/crew.ts";

const entry = new URL("./support/echo-worker.js", import.meta.url);

function crewWith(failures: Partial<Record<ActorName, "start" | "message">>, heard: ActorName[] = []): Crew {
  const actor = (name: ActorName): { entry: URL; config: unknown } => ({
    entry,
    config: { failure: failures[name] ?? "none" },
  });
  return new Crew({
    actors: { log: actor("log"), store: actor("store"), raft: actor("raft"), ingress: actor("ingress") },
    handlers: {
      keep: async () => undefined,
      release: async () => undefined,
      listening: (name) => void heard.push(name),
      log: () => undefined,
    },
  });
}

describe("the crew of a node", () => {
  it("starts four threads that reach main over the control plane, and stops them in order", async () => {
    const heard: ActorName[] = [];
    const crew = crewWith({}, heard);
    await crew.started();
    expect([...heard].sort()).to.deep.equal([...actorNames].sort());
    await crew.stop(["ingress", "raft", "store", "log"], 1_000);
  });

  it("names the actor that could not start, and why", async () => {
    const crew = crewWith({ store: "start" });
    const failure: unknown = await crew.started().then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(failure).to.be.instanceOf(ActorEndedError);
    expect(String(failure)).to.contain("store actor ended: store cannot start");
    await crew.terminate();
  });

  it("names the actor that failed later", async () => {
    const crew = crewWith({ log: "message" });
    const end = await crew.firstEnd;
    expect(end.actor).to.equal("log");
    expect(end.message).to.equal("the log actor ended: log broke");
    await crew.terminate();
  });

  it("names the actor whose thread was ended from outside", async () => {
    const crew = crewWith({});
    await crew.started();
    crew.crash("raft");
    expect((await crew.firstEnd).actor).to.equal("raft");
    await crew.terminate();
  });
});
