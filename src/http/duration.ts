/**
 * @module
 * Spans of time as requests write them: `500ms`, `5s`, `1m`.
 */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const form = /^(\d{1,12})(ms|s|m)$/;

/** Milliseconds; undefined when the text is no such span. */
export function parseDurationMs(text: string): number | undefined {
  const match = form.exec(text);
  const unit = unitMs[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
