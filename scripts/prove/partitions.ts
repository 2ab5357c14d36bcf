/**
 * @module
 * Shapes of partitions: which directions between nodes are cut.
 */

import type { Direction } from "./peer-network.ts";

export interface Partition {
  readonly name: string;
  readonly cut: readonly Direction[];
}

/** Every shape that these nodes can have, drawn for this leader; `pick` draws one of a list. */
export function partitionsOf(
  ids: readonly string[],
  leader: string,
  pick: <T>(from: readonly T[]) => T,
): readonly Partition[] {
  const others = ids.filter((id) => id !== leader);
  const follower = pick(others);
  const minority = shuffled(ids, pick).slice(0, (ids.length - 1) >> 1);
  const majority = ids.filter((id) => !minority.includes(id));
  return [
    { name: "leader alone", cut: bothWays([leader], others) },
    {
      name: "follower alone",
      cut: bothWays(
        [follower],
        ids.filter((id) => id !== follower),
      ),
    },
    { name: "leader is not heard", cut: oneWay([leader], others) },
    { name: "leader does not hear", cut: oneWay(others, [leader]) },
    { name: "minority apart", cut: bothWays(minority, majority) },
    { name: "one link cut", cut: bothWays([leader], [follower]) },
    { name: "all in a chain", cut: chain(shuffled(ids, pick)) },
    {
      name: "nobody hears anybody",
      cut: ids.flatMap((id) =>
        oneWay(
          [id],
          ids.filter((other) => other !== id),
        ),
      ),
    },
  ];
}

/** Whether some majority of the nodes hears each other in full, so that it can be expected to go on. */
export function leavesMajority(ids: readonly string[], cut: readonly Direction[]): boolean {
  const deaf = new Set(cut.flatMap(({ from, to }) => [`${from} ${to}`, `${to} ${from}`]));
  const grow = (group: readonly string[], rest: readonly string[]): boolean =>
    group.length * 2 > ids.length ||
    rest.some(
      (id, at) => group.every((other) => !deaf.has(`${id} ${other}`)) && grow([...group, id], rest.slice(at + 1)),
    );
  return grow([], ids);
}

function oneWay(senders: readonly string[], receivers: readonly string[]): readonly Direction[] {
  return senders.flatMap((from) => receivers.map((to) => ({ from, to })));
}

function bothWays(some: readonly string[], others: readonly string[]): readonly Direction[] {
  return [...oneWay(some, others), ...oneWay(others, some)];
}

/** Only neighbours talk. */
function chain(ids: readonly string[]): readonly Direction[] {
  return ids.flatMap((from, at) =>
    oneWay(
      [from],
      ids.filter((_, other) => Math.abs(other - at) > 1),
    ),
  );
}

function shuffled<T>(items: readonly T[], pick: <T>(from: readonly T[]) => T): readonly T[] {
  const left = [...items];
  return items.map(() => {
    const item = pick(left);
    left.splice(left.indexOf(item), 1);
    return item;
  });
}
