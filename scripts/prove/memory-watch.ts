/**
 * @module
 * The most memory that nodes held while they were watched: of their own, and beside it the files that are mapped, which
 * the kernel takes back when it needs the room.
 */

import { readFileSync } from "node:fs";
import type { StagedNode } from "../stage.ts";

const sampleMs = 50;

/** The most that a node held of its own, and what it went through then. */
export interface Held {
  readonly mebibytes: number;
  readonly phase: string;
}

/** In MiB. */
interface Memory {
  /** Without mapped files. */
  readonly own: number;
  readonly mapped: number;
}

const none: Memory = { own: 0, mapped: 0 };

export class MemoryWatch {
  readonly #first = new Map<StagedNode, Memory>();
  readonly #most = new Map<StagedNode, Held>();
  readonly #mostMapped = new Map<StagedNode, number>();
  readonly #timer: NodeJS.Timeout;

  /** What the nodes go through from now on. */
  phase = "at the beginning";

  constructor(nodes: readonly StagedNode[]) {
    const sample = (): void => {
      for (const node of nodes) this.#sample(node);
    };
    sample();
    this.#timer = setInterval(sample, sampleMs).unref();
  }

  most(node: StagedNode): Held {
    return this.#most.get(node) ?? { mebibytes: 0, phase: this.phase };
  }

  /** Above what it was at first. */
  grownMiB(node: StagedNode): Memory {
    const first = this.#first.get(node) ?? none;
    const mapped = (this.#mostMapped.get(node) ?? 0) - first.mapped;
    return { own: this.most(node).mebibytes - first.own, mapped };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(node: StagedNode): void {
    const memory = memoryOf(node.process.pid);
    if (!this.#first.has(node)) this.#first.set(node, memory);
    if (memory.own > this.most(node).mebibytes) this.#most.set(node, { mebibytes: memory.own, phase: this.phase });
    this.#mostMapped.set(node, Math.max(this.#mostMapped.get(node) ?? 0, memory.mapped));
  }
}

/** 0 when the process is gone. */
function memoryOf(pid: number): Memory {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const [own, mapped] = ["RssAnon", "RssFile"].map((name) => new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
    return { own: Math.round(Number(own ?? 0) / 1024), mapped: Math.round(Number(mapped ?? 0) / 1024) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return none;
    throw cause;
  }
}
