/**
 * @module
 * Waiting for what threads and nodes come to by themselves.
 */

/** Asks every few milliseconds until there is an answer; throws, with what was waited for, when there is none in time. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  withinMs = 15_000,
): Promise<T> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

/** The same for a condition. */
export async function untilTrue(what: string, condition: () => boolean, withinMs?: number): Promise<void> {
  await until(what, () => (condition() ? true : undefined), withinMs);
}

/** What a promise rejects with; undefined when it does not. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
}
