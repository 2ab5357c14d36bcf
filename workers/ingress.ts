import { runActor } from "../src/actor/entry.ts";
import { startIngress } from "../src/actors/ingress/start.ts";

runActor(startIngress);
