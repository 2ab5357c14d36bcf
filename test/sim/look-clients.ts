/**
 * @module
 * Looks at several keys at once: a transaction that only reads, or a listing as of some revision. Its parts are of one
 * revision, whatever is written meanwhile and whatever history has lost.
 */

import type { IngressRequest, Outcome } from "../../src/http/request.ts";
import type { KeyItem, RangeQuery, StateMoment } from "../../src/kv/state-view.ts";
import { within } from "../kv/model.ts";
import { plain } from "../kv/plain.ts";
import type { Cluster } from "./cluster.ts";
import type { Draws } from "./draws.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { isSame } from "./watch/same.ts";

const stepBounds = { rowsMax: 3, bytesMax: 1_000 };

export interface LookParts {
  readonly cluster: Cluster;
  readonly draws: Draws;
  readonly random: Random;
}

export class Look {
  readonly request: Extract<IngressRequest, { kind: "read" }>;
  readonly #parts: LookParts;
  /** What anybody had been answered with before. */
  readonly #floor: number;

  constructor(parts: LookParts) {
    this.#parts = parts;
    this.#floor = parts.cluster.clientWatch.acknowledged;
    this.request = { kind: "read", stale: parts.random.chance(0.3), minRevision: 0, redirect: false };
  }

  /** The node may be read, or says that it may not. */
  onSettled(outcome: Outcome | null, process: SimulatedProcess): void {
    if (outcome?.kind !== "readable" || process.view === null) return;
    const { world, clientWatch } = this.#parts.cluster;
    const moment = process.view.moment();
    if (!this.request.stale) {
      world.check(moment.revision >= this.#floor, "Read safety", () => {
        return `${process.id} shows revision ${moment.revision}, after ${this.#floor} had been acknowledged`;
      });
      clientWatch.acknowledge(moment.revision);
    }
    world.touch();
    const looking = this.#parts.random.chance(0.5) ? this.#transact(moment) : this.#list(moment);
    looking.then(
      (difference) => {
        if (difference === null) return world.coverage.sometimes("several keys were read as of one revision");
        const fail = (): void => world.check(false, "An answer's revision is the one of its value", () => difference);
        world.schedule.after(0, fail);
      },
      (cause: unknown) => process.fail(cause),
    );
  }

  /** Gives how the answer differs from the model's; null when it does not. */
  async #transact(moment: StateMoment): Promise<string | null> {
    const { cluster, draws, random } = this.#parts;
    const transaction = draws.lookingTransaction(random);
    const found = await moment.transact(transaction);
    return differenceOf(found, cluster.ledger.model.looked(transaction, moment.revision), moment.revision);
  }

  async #list(moment: StateMoment): Promise<string | null> {
    const { cluster, draws, random } = this.#parts;
    const revision = random.between(0, moment.revision + 1);
    if (moment.standingOf(revision) !== "readable") return null;
    const query: RangeQuery = { range: draws.range(random), order: "asc", revision, values: true };
    const cursor = moment.range(query);
    const items: KeyItem[] = [];
    for (let done = false; !done; ) {
      const step = await cursor.next(stepBounds);
      items.push(...step.items);
      ({ done } = step);
    }
    await cursor.close();
    const expected = within(cluster.ledger.model.stateAt(revision), query.range);
    const named = expected.map(([key, record]) => ({ key, ...record }));
    return differenceOf(items, named, revision);
  }
}

function differenceOf(found: unknown, expected: unknown, revision: number): string | null {
  if (isSame(found, expected)) return null;
  return `${JSON.stringify(plain(found))} is shown at revision ${revision}, where it is ${JSON.stringify(expected)}`;
}
