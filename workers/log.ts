import { runActor } from "../src/actor/entry.ts";
import { startLog } from "../src/actors/log/start.ts";

runActor(startLog);
