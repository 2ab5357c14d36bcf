/**
 * @module
 * Leases: granted, kept alive, shown and ended.
 */

import type { Lease, StateMoment } from "../kv/state-view.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Desk } from "./desk.ts";
import type { Exchange } from "./exchange.ts";
import { bad, Fields } from "./fields.ts";
import { refuseFields, writeFields } from "./header.ts";
import { textOrBase64 } from "./item-json.ts";
import { parseNothing } from "./json-body.ts";
import { parseJsonObject } from "./json-text.ts";
import { answerLease, leaseNotFound } from "./lease-answer.ts";
import { parseLeaseId } from "./lease-id.ts";
import { pageItemsDefault, parseLimit } from "./list-query.ts";
import { giveWay, isOpen, type MomentReads, momentHeaders, type ReadMoment } from "./moment-reads.ts";
import { Page } from "./page.ts";
import { percentDecode } from "./percent.ts";
import { levelParameters, parseLevel, parseQuery } from "./query.ts";
import type { Outcome } from "./request.ts";
import { parseWriteAsk, submitWrite } from "./write-ask.ts";

const writeParameters: readonly string[] = ["redirect"];
const listParameters: readonly string[] = [...levelParameters, "limit", "cursor"];
const keysAtOnce = 1000;
const leasesAtOnce = 256;
const nothing = new Uint8Array(0);

export class Leases {
  readonly #desk: Desk;
  readonly #moments: MomentReads;
  readonly #pages: ByteBudget;

  constructor(desk: Desk, moments: MomentReads, pages: ByteBudget) {
    this.#desk = desk;
    this.#moments = moments;
    this.#pages = pages;
  }

  onGrant(exchange: Exchange, text: string): void {
    exchange.kind = "write";
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters: parseQuery(text, writeParameters) });
    this.#desk.receive(exchange, this.#desk.options.bodyBytesMax, (body) => {
      const ttlMs = Fields.of(parseJsonObject(body), "the body", ["ttl"]).ttl("ttl");
      if (ttlMs === undefined) throw bad("the body has no ttl");
      submitWrite(this.#desk, exchange, this, { operation: { kind: "leaseGrant", ttlMs }, ask, body });
    });
  }

  onKeepAlive(exchange: Exchange, id: string, text: string): void {
    exchange.kind = "write";
    const leaseId = leaseIdIn(id);
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters: parseQuery(text, writeParameters) });
    this.#desk.receive(exchange, this.#desk.options.bodyBytesMax, (body) => {
      parseNothing(body);
      if (ask.idempotencyKey === undefined) {
        const { redirect, timeoutMs } = ask;
        return this.#desk.submit(exchange, this, { kind: "keepAlive", leaseId, redirect }, timeoutMs);
      }
      const operation = { kind: "leaseKeepAlive", leaseIds: [leaseId] } as const;
      submitWrite(this.#desk, exchange, this, { operation, ask, body });
    });
  }

  onRevoke(exchange: Exchange, id: string, text: string): void {
    exchange.kind = "write";
    const operation = { kind: "leaseRevoke", leaseId: leaseIdIn(id) } as const;
    const ask = parseWriteAsk(this.#desk, exchange, { text, parameters: parseQuery(text, writeParameters) });
    submitWrite(this.#desk, exchange, this, { operation, ask, body: nothing });
  }

  answer(exchange: Exchange, outcome: Outcome): void {
    if (outcome.kind === "applied") answerLease(exchange, outcome.revision, outcome.result);
  }

  onGet(exchange: Exchange, id: string, text: string): void {
    const leaseId = leaseIdIn(id);
    refuseFields(exchange.request.headers, writeFields);
    const level = parseLevel(parseQuery(text, levelParameters));
    this.#moments.submit(exchange, {
      level,
      revision: undefined,
      onMoment: async ({ moment, ageMs }) => {
        const lease = moment.lease(leaseId);
        if (lease === undefined) throw leaseNotFound(leaseId, moment.revision);
        exchange.json(200, await this.#shown(moment, lease), momentHeaders(moment.revision, ageMs));
      },
    });
  }

  /** In pages, by the order of their ids: a lease for a key alone is one of them. */
  onList(exchange: Exchange, text: string): void {
    refuseFields(exchange.request.headers, writeFields);
    const parameters = parseQuery(text, listParameters);
    const limit = parseLimit(parameters.get("limit")) ?? pageItemsDefault;
    const ask = { after: afterCursor(parameters.get("cursor")), limit };
    const onMoment = (read: ReadMoment): Promise<void> => this.#list(exchange, ask, read);
    this.#moments.submit(exchange, { level: parseLevel(parameters), revision: undefined, onMoment });
  }

  async #list(
    exchange: Exchange,
    ask: { readonly after: number; readonly limit: number },
    { moment, ageMs }: ReadMoment,
  ): Promise<void> {
    const page = new Page(exchange, this.#pages, ask.limit);
    let { after } = ask;
    let more = true;
    try {
      while (more && !page.isFull && isOpen(exchange)) {
        const leases = await moment.leases({ after, limit: leasesAtOnce });
        more = leases.length > 0;
        for (const lease of leases) {
          if (page.isFull) break;
          page.add(JSON.stringify(await this.#shown(moment, lease)));
          after = lease.leaseId;
        }
        await giveWay(this.#desk);
      }
      if (more) more = (await moment.leases({ after, limit: 1 })).length > 0;
      const rest = more ? String(after) : undefined;
      page.answer({ revision: undefined, name: "leases", rest }, momentHeaders(moment.revision, ageMs));
    } finally {
      page.close();
    }
  }

  /** A lease with all its keys, as clients are shown it. */
  async #shown(moment: StateMoment, { leaseId, ttlMs, dueTime }: Lease): Promise<object> {
    const keys: (string | object)[] = [];
    let after: Uint8Array | null = null;
    for (;;) {
      const some: readonly Uint8Array[] = await moment.leaseKeys({ leaseId, after, limit: keysAtOnce });
      for (const key of some) {
        const named = textOrBase64("key", key);
        keys.push(named["key"] ?? named);
        after = key;
      }
      if (some.length < keysAtOnce) break;
    }
    const remainingMs = Math.max(0, Math.round(dueTime - moment.time - this.#desk.backend.sinceAppliedMs()));
    return { id: String(leaseId), ttlMs, remainingMs, keys };
  }
}

/** The lease that a page ended with; 0 for the first page. */
function afterCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const leaseId = /^[1-9]\d{0,15}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (Number.isSafeInteger(leaseId)) return leaseId;
  throw bad("the cursor is not one that this store gave");
}

/** As it stands in the path. */
function leaseIdIn(id: string): number {
  const decoded = percentDecode(id);
  if (decoded === undefined) throw bad("a % in the path is not followed by two hexadecimal digits");
  return parseLeaseId(decoded.toString());
}
