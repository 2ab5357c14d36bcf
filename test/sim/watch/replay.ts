/**
 * @module
 * A node's rows against the replay of the log: current records, what is remembered of idempotency keys, leases.
 */

import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import { decode, encode } from "../../../src/codec/codec.ts";
import { keyOfCurrent, numberOfKey, rangeOf, rowPrefixes } from "../../../src/kv/keys.ts";
import { decodeLease } from "../../../src/kv/lease.ts";
import { machineLimits } from "../../../src/kv/limits.ts";
import type { StateMeta } from "../../../src/kv/meta.ts";
import { ReadAhead } from "../../../src/kv/read-ahead.ts";
import { decodeRecord } from "../../../src/kv/record.ts";
import { SessionTable } from "../../../src/kv/session.ts";
import { StagedRows } from "../../../src/kv/staged-rows.ts";
import { words } from "../../kv/model.ts";
import { modelRecord } from "../../kv/plain.ts";
import type { StateRows } from "../state-disk.ts";
import type { World } from "../world.ts";
import { isAnswer, type Model } from "./model.ts";

const invariant = "A state equals its replay";

/** Nothing is missing, nothing is there that must not be, nothing is another. */
export function checkReplay(world: World, model: Model, node: string, rows: StateRows, meta: StateMeta): void {
  checkRecords(world, model, node, rows, meta.revision);
  checkSessions(world, model, node, rows, meta);
  // The model knows the leases of its last entry alone.
  if (meta.appliedIndex === model.index) checkLeases(world, model, node, rows);
}

function checkRecords(world: World, model: Model, node: string, rows: StateRows, revision: number): void {
  const expected = model.stateAt(revision);
  const { from, to } = rangeOf(rowPrefixes.current);
  let present = 0;
  for (const { key: rowKey, value } of rows.rows(from, to)) {
    const key = keyOfCurrent(rowKey);
    const record = modelRecord(decodeRecord(key, value, crc32));
    const name = words(key);
    const wanted = expected.get(name) ?? null;
    if (record !== null) present += 1;
    world.check(isDeepStrictEqual(record, wanted), invariant, () => {
      const [held, due] = [record, wanted].map((each) => JSON.stringify(each));
      return `${node} holds ${held} under ${name} at revision ${revision} instead of ${due}`;
    });
  }
  world.check(present === expected.size, invariant, () => {
    return `${node} holds ${present} keys at revision ${revision} instead of ${expected.size}`;
  });
}

/** Exactly once per idempotency key, across restarts and snapshots: every state knows what it has executed. */
function checkSessions(world: World, model: Model, node: string, rows: StateRows, meta: StateMeta): void {
  const options = { crc32, codec: { encode, decode }, limits: machineLimits };
  const sessions = new SessionTable(new StagedRows(rows, new ReadAhead()), meta, options);
  for (const { index, idempotency, executed } of model.remembered) {
    if (index > meta.appliedIndex) continue;
    const known = sessions.find(idempotency);
    const isIt =
      known !== undefined &&
      known !== "mismatch" &&
      known.revision === executed.revision &&
      isAnswer(executed, known.result, true);
    world.check(isIt, "Exactly once", () => {
      const said = typeof known === "object" ? JSON.stringify(known) : (known ?? "nothing");
      return `${node} remembers ${said} of ${words(idempotency.key)}, which entry ${index} has executed`;
    });
  }
}

function checkLeases(world: World, model: Model, node: string, rows: StateRows): void {
  const { from, to } = rangeOf(rowPrefixes.lease);
  const found = rows.rows(from, to).map(({ key, value }) => {
    const { ttlMs, implicit, renewedTime, renewal } = decodeLease(key, value, crc32);
    return [numberOfKey(key), { ttlMs, implicit, renewedTime, renewal }] as const;
  });
  world.check(isDeepStrictEqual(new Map(found), model.leases), invariant, () => {
    return `${node} has leases ${JSON.stringify(found)} instead of ${JSON.stringify([...model.leases])}`;
  });
}
