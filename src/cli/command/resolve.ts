/**
 * @module
 * Where a setting's value comes from: flag, then environment, then config file, then default.
 */

import { readFileSync } from "node:fs";
import type { Setting, SettingType, SettingValue } from "./settings.ts";

/** Wrong usage: one line that says what to mend. The process exits 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** As commander gives them: text, a list of texts, or true. */
export type Flags = Readonly<Record<string, unknown>>;

export interface Sources {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The parsed config file; empty when there is none. */
  readonly file: Readonly<Record<string, unknown>>;
}

/** The values of one command's settings, each read as the type that its setting declares. */
export class Settings {
  readonly #values: ReadonlyMap<string, SettingValue>;

  constructor(values: ReadonlyMap<string, SettingValue>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : undefined;
  }

  /** Throws a UsageError that names the flag when nothing gave the value. */
  requiredText(setting: Setting): string {
    const value = this.text(setting.name);
    if (value === undefined) throw new UsageError(`--${setting.flag} is required (or ${setting.env}): ${setting.help}`);
    return value;
  }

  /** A count or a number of bytes; throws a UsageError when nothing gave it. */
  count(name: string): number {
    const value = this.#values.get(name);
    if (typeof value !== "number") throw new UsageError(`${name} is required`);
    return value;
  }

  /** False when nothing gave it. */
  switch(name: string): boolean {
    return this.#values.get(name) === true;
  }

  list(name: string): readonly string[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value : [];
  }
}

/** Throws a UsageError for a value of the wrong type and for a name in the config file that nothing reads. */
export function resolveSettings(table: readonly Setting[], sources: Sources): Settings {
  const names = new Set(table.map((setting) => setting.name));
  for (const name of Object.keys(sources.file)) {
    if (!names.has(name)) throw new UsageError(`config file: unknown setting ${JSON.stringify(name)}`);
  }
  const values = new Map<string, SettingValue>();
  for (const setting of table) {
    const value = valueOf(setting, sources);
    if (value !== undefined) values.set(setting.name, value);
  }
  return new Settings(values);
}

function valueOf(setting: Setting, sources: Sources): SettingValue | undefined {
  const flag = sources.flags[flagAttribute(setting)];
  if (flag !== undefined) return parse(setting, flag, `--${setting.flag}`);
  const variable = sources.env[setting.env];
  if (variable !== undefined && variable !== "") return parse(setting, variable, setting.env);
  const entry = sources.file[setting.name];
  if (entry !== undefined) return parse(setting, entry, `config file: ${setting.name}`);
  return setting.default;
}

/** The name under which commander files a flag: its words in camel case. */
export function flagAttribute(setting: Setting): string {
  return setting.flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

type Parser = (given: unknown) => SettingValue | undefined;

const parsers: Readonly<Record<SettingType, { readonly wanted: string; readonly parse: Parser }>> = {
  string: { wanted: "a text that is not empty", parse: (given) => (isText(given) ? given : undefined) },
  boolean: { wanted: "true or false", parse: parseBoolean },
  count: { wanted: "a whole number", parse: parseCount },
  bytes: { wanted: "a number of bytes, as 65536, 64KiB, 1MiB or 2GiB", parse: parseBytes },
  list: { wanted: "texts separated by commas", parse: parseList },
};

function parse(setting: Setting, given: unknown, where: string): SettingValue {
  const { wanted, parse } = parsers[setting.type];
  const value = parse(given);
  if (value === undefined) throw new UsageError(`${where}: ${JSON.stringify(given)} is not ${wanted}`);
  if (setting.choices !== undefined && !(typeof value === "string" && setting.choices.includes(value))) {
    throw new UsageError(`${where}: ${JSON.stringify(given)} is none of ${setting.choices.join(", ")}`);
  }
  return value;
}

function isText(given: unknown): given is string {
  return typeof given === "string" && given !== "";
}

function parseBoolean(given: unknown): boolean | undefined {
  if (given === true || given === "true" || given === "1") return true;
  return given === false || given === "false" || given === "0" ? false : undefined;
}

function parseCount(given: unknown): number | undefined {
  const count = typeof given === "string" && /^\d{1,15}$/.test(given) ? Number(given) : given;
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

const byteUnits: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

function parseBytes(given: unknown): number | undefined {
  if (typeof given !== "string") return parseCount(given);
  const [, digits, unit] = /^(\d{1,12})(KiB|MiB|GiB|)$/.exec(given) ?? [];
  const scale = byteUnits[unit ?? "?"];
  return digits === undefined || scale === undefined ? undefined : parseCount(Number(digits) * scale);
}

function parseList(given: unknown): readonly string[] | undefined {
  const parts: unknown[] = Array.isArray(given) ? given : [given];
  const texts: string[] = [];
  for (const part of parts) {
    if (typeof part !== "string") return undefined;
    texts.push(...part.split(",").map((text) => text.trim()));
  }
  return texts.every(isText) ? texts : undefined;
}

/** Reads `--config`; throws a UsageError when it cannot be read or is not a JSON object. */
export function readConfigFile(path: string | undefined): Readonly<Record<string, unknown>> {
  if (path === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`config file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`config file ${path}: not a JSON object`);
  }
  return { ...parsed };
}
