/**
 * @module
 * The most memory that nodes held while they were watched: of their own, without the files that are mapped, which the
 * kernel takes back when it needs the room.
 */

import { readFileSync } from "node:fs";
import type { StagedNode } from "../stage.ts";

const sampleMs = 50;

export class MemoryWatch {
  readonly #most = new Map<StagedNode, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(nodes: readonly StagedNode[]) {
    const sample = (): void => {
      for (const node of nodes) this.#most.set(node, Math.max(this.mostMiB(node), ownMiB(node.process.pid)));
    };
    sample();
    this.#timer = setInterval(sample, sampleMs).unref();
  }

  mostMiB(node: StagedNode): number {
    return this.#most.get(node) ?? 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** 0 when the process is gone. */
function ownMiB(pid: number): number {
  try {
    const [, kibibytes = "0"] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kibibytes) / 1024);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw cause;
  }
}
