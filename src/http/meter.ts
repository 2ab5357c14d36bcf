/**
 * @module
 * Counts of what was asked and answered, cheap enough for every request: numbers in arrays, no labels.
 */

export const requestKinds = ["staleRead", "read", "list", "write", "watch", "cluster", "observe", "other"] as const;
export type RequestKind = (typeof requestKinds)[number];

export const countedMethods = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "other"] as const;

/** Upper bounds in milliseconds, inclusive. */
export const durationBoundsMs: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];

const statusClasses = 5;

export class Meter {
  /** Answers by method and class of status (1xx to 5xx), in rows of five. */
  readonly answers: number[] = zeroes(countedMethods.length * statusClasses);
  readonly #durations = new Map<RequestKind, { counts: number[]; sumMs: number }>(
    requestKinds.map((kind) => [kind, { counts: zeroes(durationBoundsMs.length + 1), sumMs: 0 }]),
  );

  count(method: string, status: number): void {
    const row = methodRow(method) * statusClasses;
    const cell = row + Math.floor(status / 100) - 1;
    this.answers[cell] = (this.answers[cell] ?? 0) + 1;
  }

  record(kind: RequestKind, milliseconds: number): void {
    const durations = this.durations(kind);
    let bucket = 0;
    while (bucket < durationBoundsMs.length && (durationBoundsMs[bucket] ?? 0) < milliseconds) bucket++;
    durations.counts[bucket] = (durations.counts[bucket] ?? 0) + 1;
    durations.sumMs += milliseconds;
  }

  /** Counts by bucket (the last: above all bounds) and their sum. */
  durations(kind: RequestKind): { counts: number[]; sumMs: number } {
    const durations = this.#durations.get(kind);
    if (durations === undefined) throw new RangeError(`no requests of kind ${kind} are counted`);
    return durations;
  }

  answersOf(method: (typeof countedMethods)[number], statusClass: 1 | 2 | 3 | 4 | 5): number {
    return this.answers[countedMethods.indexOf(method) * statusClasses + statusClass - 1] ?? 0;
  }
}

function methodRow(method: string): number {
  switch (method) {
    case "GET":
      return 0;
    case "HEAD":
      return 1;
    case "PUT":
      return 2;
    case "POST":
      return 3;
    case "DELETE":
      return 4;
    default:
      return 5;
  }
}

function zeroes(length: number): number[] {
  return Array.from({ length }, () => 0);
}
