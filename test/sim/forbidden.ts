/**
 * @module
 * Clocks, timers and randomness of the process: while a simulation runs, whoever touches them fails it, for
 * what they give is not the same a second time.
 */

interface Place {
  readonly owner: object;
  readonly name: string;
}

const places: readonly Place[] = [
  { owner: Date, name: "now" },
  { owner: Math, name: "random" },
  { owner: performance, name: "now" },
  { owner: globalThis, name: "setTimeout" },
  { owner: globalThis, name: "setInterval" },
  { owner: globalThis, name: "setImmediate" },
  { owner: crypto, name: "getRandomValues" },
  { owner: crypto, name: "randomUUID" },
];

/** Runs `work`, which waits for nothing but itself. */
export async function withoutProcessTime<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = places.map(({ owner, name }) => Object.getOwnPropertyDescriptor(owner, name));
  for (const { owner, name } of places) {
    const value = (): never => {
      throw new Error(`a simulated run asked the process itself for ${name}`);
    };
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  }
  try {
    return await work();
  } finally {
    for (const [at, { owner, name }] of places.entries()) {
      const descriptor = before[at];
      if (descriptor === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, descriptor);
    }
  }
}
