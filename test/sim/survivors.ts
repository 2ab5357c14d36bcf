/**
 * @module
 * Mechanical changes that nothing notices because nothing comes of them, each with a word why.
 */

export interface KnownSurvivor {
  /** Below `dist/src`, without `.js`. */
  readonly file: string;
  /** The line as it is built, and what it is changed to; empty when it is left out. */
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const knownSurvivors: readonly KnownSurvivor[] = [];
