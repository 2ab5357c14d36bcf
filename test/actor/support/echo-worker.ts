import type { ActorName, RunningActor } from "../../../src/actor/context.ts";
import { runActor } from "../../../src/actor/entry.ts";

interface EchoConfig {
  /** Fail while starting, after the first message, or never. */
  readonly failure: "start" | "message" | "none";
}

/** An actor for tests: answers every frame of raft by the same frame, and fails when it is told to. */
runActor<EchoConfig>(async (context): Promise<RunningActor> => {
  if (context.config.failure === "start") throw new Error(`${context.name} cannot start`);
  const peers: readonly ActorName[] = context.name === "raft" ? [] : ["raft"];
  for (const peer of peers.filter((name) => name !== "ingress" || context.name === "ingress")) {
    const edge = context.edge<unknown, unknown>(peer);
    edge.onMessages((messages) => {
      if (context.config.failure === "message") context.fail(new Error(`${context.name} broke`));
      edge.send(messages);
    });
  }
  if (context.name === "raft") {
    context.edge<unknown, unknown>("log").send(["first"]);
  }
  context.supervisor.listening(1);
  return { stop: async () => undefined };
});
