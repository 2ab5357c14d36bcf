/**
 * @module
 * What the thread of the log starts with: LevelDB, the watermark, and the actor over both.
 */

import type { ActorContext, RunningActor } from "../../actor/context.ts";
import { DurableLog } from "../../storage/log/durable-log.ts";
import { LevelRows } from "../../storage/log/level-rows.ts";
import { LogStore } from "../../storage/log/log-store.ts";
import { DiskSlotFile } from "../../storage/watermark/slot-file.ts";
import { startProcessTimer, Watermark } from "../../storage/watermark/watermark.ts";
import type { LogConfig } from "../protocol/config.ts";
import { runLog } from "./run-log.ts";

const watermarkSyncIntervalMs = 100;

/**
 * Resolves once raft has been told what the log holds.
 *
 * Throws `StartError` when another process has the log open, `StorageError` when it does not verify or has
 * lost what was acknowledged.
 */
export async function startLog(context: ActorContext<LogConfig>): Promise<RunningActor> {
  const { identity, directory, watermarkFile } = context.config;
  const watermark = new Watermark(new DiskSlotFile(watermarkFile), {
    identity,
    syncIntervalMs: watermarkSyncIntervalMs,
    onFailure: (cause) => context.fail(cause),
    startTimer: startProcessTimer,
  });
  return runLog(context, new DurableLog(new LogStore(new LevelRows(directory)), watermark, directory));
}
