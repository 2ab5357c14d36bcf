/**
 * @module
 * Which directed links between the nodes of one program are cut.
 */

import type { LinkCuts } from "../actor/context.ts";

export class NodeLinks {
  /** Each id's group; ids that were not named are together in one group of their own. Null: no partition. */
  #groups: ReadonlyMap<string, number> | null = null;
  /** From, to. */
  #oneWay: (readonly [string, string])[] = [];

  /** Replaces an earlier partition. Throws a RangeError when an id is in two groups. */
  partition(groups: readonly (readonly string[])[]): void {
    const groupOf = new Map<string, number>();
    for (const [group, ids] of groups.entries()) {
      for (const id of ids) {
        if (groupOf.has(id)) throw new RangeError(`${id} cannot be in two groups of a partition`);
        groupOf.set(id, group);
      }
    }
    this.#groups = groupOf;
  }

  cut(from: string, to: string): void {
    this.#oneWay.push([from, to]);
  }

  heal(): void {
    this.#groups = null;
    this.#oneWay = [];
  }

  cutsOf(id: string, others: readonly string[]): LinkCuts {
    const apart = others.filter((other) => this.#areApart(id, other));
    return {
      to: [...apart, ...this.#oneWay.filter(([from]) => from === id).map(([, to]) => to)],
      from: [...apart, ...this.#oneWay.filter(([, to]) => to === id).map(([from]) => from)],
    };
  }

  #areApart(one: string, other: string): boolean {
    if (this.#groups === null || one === other) return false;
    return this.#groups.get(one) !== this.#groups.get(other);
  }
}
