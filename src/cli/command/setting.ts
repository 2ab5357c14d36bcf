/**
 * @module
 * What a setting of the command line is: a name, from which its flag, its variable and its key in a config file follow, and
 * a type, in whose units it is written.
 */

export type SettingType = "string" | "count" | "bytes" | "duration" | "boolean" | "list";

export type SettingValue = string | number | boolean | readonly string[];

export interface Setting {
  /** Words joined by dashes, as in a config file: `log-level`. */
  readonly name: string;
  readonly type: SettingType;
  /** What the value is called in the help; absent for a boolean. */
  readonly placeholder?: string;
  /** Of a duration in milliseconds. */
  readonly default?: SettingValue;
  /** What the default depends on, where it is no single value. */
  readonly defaultText?: string;
  /** Accepted values, where they are few. */
  readonly choices?: readonly string[];
  readonly help: string;
}

/** As on the command line: `--log-level`. */
export function flagOf({ name }: Setting): string {
  return `--${name}`;
}

/** As in the environment: `BALSA_LOG_LEVEL`. */
export function variableOf({ name }: Setting): string {
  return `BALSA_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** The default as an operator would write it; empty when there is none. */
export function defaultTextOf(setting: Setting): string {
  const { type, default: value, defaultText } = setting;
  if (defaultText !== undefined) return defaultText;
  if (value === undefined) return "";
  if (typeof value !== "number") return Array.isArray(value) ? value.join(",") : String(value);
  if (type === "bytes") return inUnits(value, byteUnits);
  return type === "duration" ? inUnits(value, durationUnits) : String(value);
}

/** Largest first. */
export const byteUnits: readonly Unit[] = [
  { name: "GiB", size: 2 ** 30 },
  { name: "MiB", size: 2 ** 20 },
  { name: "KiB", size: 2 ** 10 },
  { name: "", size: 1 },
];

/** Largest first, in milliseconds. */
export const durationUnits: readonly Unit[] = [
  { name: "m", size: 60_000 },
  { name: "s", size: 1_000 },
  { name: "ms", size: 1 },
];

export interface Unit {
  readonly name: string;
  readonly size: number;
}

/** In the largest unit that divides it. */
function inUnits(value: number, units: readonly Unit[]): string {
  const unit = units.find(({ size }) => value % size === 0);
  return value === 0 || unit === undefined ? String(value) : `${value / unit.size}${unit.name}`;
}
