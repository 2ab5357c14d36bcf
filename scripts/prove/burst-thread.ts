/**
 * @module
 * The thread that sends a burst: it is busy with that alone, and measures nothing but its outcome.
 */

import { parentPort, workerData } from "node:worker_threads";
import { type BurstOptions, burst } from "./burst.ts";

parentPort?.postMessage(await burst(workerData as BurstOptions));
