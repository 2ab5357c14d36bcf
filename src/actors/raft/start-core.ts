/**
 * @module
 * The moment at which log and store have both opened and this node knows where it is reached: the core begins.
 */

import { bootstrap } from "../../raft/bootstrap.ts";
import { createRaft } from "../../raft/state.ts";
import { bootFrom, isPristine } from "./boot.ts";
import type { RaftActorEffects } from "./input.ts";
import type { RaftActorState } from "./state.ts";

/** Makes the core once both have said what they hold, after a snapshot that is still to be installed. */
export function bootWhenOpened(state: RaftActorState, effects: RaftActorEffects): void {
  const { config, advertised, logOpened, storeOpened } = state;
  if (advertised === null || logOpened === null || storeOpened === null || state.core !== null) return;
  const next = bootFrom(logOpened, storeOpened);
  if (next.kind === "install") {
    effects.toStore.push({ kind: "installSnapshot", snapshot: next.snapshot });
    return;
  }
  state.core = createRaft(config.options, next.boot);
  state.appliedIndex = next.boot.appliedIndex;
  state.handedOnConfiguration = next.boot.configuration;
  state.newestSnapshot = logOpened.snapshot;
  effects.toStore.push({ kind: "keepSnapshot", snapshot: logOpened.snapshot });
  if (!config.bootstrap || !isPristine(logOpened)) return;
  bootstrap(state.core, {
    httpAddr: advertised.httpAdvertise,
    raftAddr: advertised.raftAdvertise,
    incarnation: config.identity.incarnation,
    standing: "voter",
  });
}
