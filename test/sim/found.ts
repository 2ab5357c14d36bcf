/**
 * @module
 * The disks of a cluster that has been founded: as if its first node had taken in all others, one after the other, and
 * then everything had been switched off.
 */

import { packEntry } from "../../src/codec/entries.ts";
import type { Entry } from "../../src/raft/types.ts";
import { DurableLog } from "../../src/storage/log/durable-log.ts";
import { LogStore } from "../../src/storage/log/log-store.ts";
import { Watermark } from "../../src/storage/watermark/watermark.ts";
import { type Cluster, memberOf } from "./cluster.ts";
import type { Machine } from "./machine.ts";

const founder = "n1";
const term = 2;

/** Machines that hold one log; a single one founds its cluster by itself. Resolves when all is durable. */
export async function found(cluster: Cluster): Promise<void> {
  const { nodes } = cluster.world.swarm;
  const ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
  const machines = ids.map((id) => cluster.addMachine(id, nodes === 1));
  if (nodes === 1) return;
  const entries = entriesOf(ids);
  cluster.ledger.onLeader(founder, term);
  for (const [at, entry] of entries.entries()) cluster.ledger.noteEntry(founder, entry, entries[at - 1]?.term ?? 0);
  await Promise.all(machines.map((machine) => write(machine, entries)));
}

function entriesOf(ids: readonly string[]): Entry[] {
  const [first = founder, ...others] = ids;
  const adding = (nodeId: string) =>
    ({ steps: [{ kind: "addVoter", nodeId, member: memberOf(nodeId) }], transition: "auto" }) as const;
  return [
    { kind: "configuration", term: 1, index: 1, time: 0, change: adding(first) },
    { kind: "noop", term, index: 2, time: 0 },
    ...others.map((id, at): Entry => ({ kind: "configuration", term, index: at + 3, time: 0, change: adding(id) })),
  ];
}

async function write(machine: Machine, entries: readonly Entry[]): Promise<void> {
  const watermark = new Watermark(machine.slots, {
    identity: machine.identity,
    syncIntervalMs: 1,
    onFailure: () => undefined,
    startTimer: () => () => undefined,
  });
  const log = new DurableLog(new LogStore(machine.rows), watermark, machine.id);
  await log.open();
  await log.write([
    {
      kind: "append",
      firstIndex: 1,
      entries: entries.map(packEntry),
      hardState: { currentTerm: term, votedFor: machine.id === founder ? founder : null },
      term,
      lastIndex: entries.length,
    },
  ]);
  await log.close();
}
