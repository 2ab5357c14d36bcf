import { runActor } from "../src/actor/entry.ts";
import { startRaft } from "../src/actors/raft/start.ts";

runActor(startRaft);
