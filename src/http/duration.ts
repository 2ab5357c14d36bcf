/**
 * @module
 * Spans of time as requests write them: `500ms`, `5s`, `1m`, `2h`, `7d`.
 */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const form = /^(\d{1,12})(ms|s|m|h|d)$/;

/** Milliseconds; undefined when the text is no such span. */
export function parseDurationMs(text: string): number | undefined {
  const match = form.exec(text);
  const unit = unitMs[match?.[2] ?? ""];
  const ms = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  return Number.isSafeInteger(ms) ? ms : undefined;
}
