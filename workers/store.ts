import { runActor } from "../src/actor/entry.ts";
import { startStore } from "../src/actors/store/start.ts";

runActor(startStore);
