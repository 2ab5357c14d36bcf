/**
 * @module
 * What was seen at least once: a simulation that never meets the rare cases proves nothing about them.
 */

import type { FaultClass } from "./swarm.ts";

const sometimes = [
  "a leader was elected",
  "a second leader was elected",
  "an election in a joint configuration",
  "an election during a transfer",
  "a leader stepped down for want of a quorum",
  "a pre-vote was refused",
  "a conflicting tail was replaced",
  "a snapshot was taken",
  "a snapshot was installed",
  "a snapshot was installed over a divergent log",
  "a snapshot was installed at the start",
  "a snapshot transfer was given up",
  "a log was compacted",
  "entries were read back from disk",
  "a learner was promoted",
  "a member was removed",
  "a leader was removed",
  "a joint configuration was entered",
  "a joint configuration was left",
  "leadership was transferred",
  "a proposal was handed on",
  "a proposal that was handed on was sent twice",
  "a proposal was refused",
  "a write was applied",
  "a write ended unknown",
  "a write was settled by a snapshot",
  "a write was refused for certain",
  "a condition failed",
  "a transaction succeeded",
  "a transaction took its other branch",
  "a write was sent again and not executed again",
  "an idempotency key was another request's",
  "a lease was kept alive",
  "a lease expired",
  "a put came too late for its lease",
  "several keys were read as of one revision",
  "a watch was given a change",
  "a watch went on",
  "a watch went on in the middle of a command",
  "a watch was compacted",
  "a linearizable read was answered",
  "a linearizable read on a follower",
  "a stale read was answered",
  "a lease answered a read",
  "a read was given up",
  "a node was restarted",
  "a state was rebuilt",
  "a write was torn",
  "a write under way was lost",
  "a disk failed a node",
  "a full disk failed a node",
  "a damaged log was refused",
  "an input came from before a restart",
  "history was trimmed",
  "all nodes were down",
  "a voter was lost for good",
] as const;

export type Sometimes = (typeof sometimes)[number];

export class Coverage {
  readonly counts: Map<string, number> = new Map<string, number>(sometimes.map((name) => [name, 0]));
  readonly faults: Map<FaultClass, number> = new Map();

  sometimes(name: Sometimes): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  fault(name: FaultClass): void {
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1);
  }

  /** What has never been seen. */
  missing(): string[] {
    return [...this.counts].filter(([, count]) => count === 0).map(([name]) => name);
  }
}
