/**
 * @module
 * The raft actor on its thread: peer links, edges and the tick, pumped into turns.
 */

import { monotonicMs } from "../../actor/clock.ts";
import type { ActorContext, RunningActor } from "../../actor/context.ts";
import type { RaftConfig } from "../protocol/config.ts";
import { RaftRunner } from "./run-raft.ts";

/**
 * Resolves once peers can connect; the core begins when log and store have opened.
 *
 * Throws `StartError` when the peer address cannot be listened on.
 */
export async function startRaft(context: ActorContext<RaftConfig>): Promise<RunningActor> {
  const runner = new RaftRunner(context, monotonicMs);
  await runner.start();
  return {
    stop: () => runner.stop(),
    setCuts: (cuts) => runner.setCuts(cuts),
    setAddresses: (advertised) => runner.setAddresses(advertised),
    expectPeers: (places) => runner.expectPeers(places),
  };
}
