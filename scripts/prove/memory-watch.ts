/**
 * @module
 * The most memory that nodes held while they were watched: of their own, without the files that are mapped, which the
 * kernel takes back when it needs the room.
 */

import { readFileSync } from "node:fs";
import type { StagedNode } from "../stage.ts";

const sampleMs = 50;

/** The most that a node held, and what it went through then. */
export interface Held {
  readonly mebibytes: number;
  readonly phase: string;
}

export class MemoryWatch {
  readonly #most = new Map<StagedNode, Held>();
  readonly #timer: NodeJS.Timeout;

  /** What the nodes go through from now on. */
  phase = "at the beginning";

  constructor(nodes: readonly StagedNode[]) {
    const sample = (): void => {
      for (const node of nodes) {
        const mebibytes = ownMiB(node.process.pid);
        if (mebibytes > this.most(node).mebibytes) this.#most.set(node, { mebibytes, phase: this.phase });
      }
    };
    sample();
    this.#timer = setInterval(sample, sampleMs).unref();
  }

  most(node: StagedNode): Held {
    return this.#most.get(node) ?? { mebibytes: 0, phase: this.phase };
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
