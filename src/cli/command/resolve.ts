/**
 * @module
 * Where a setting's value comes from: flag, then environment, then config file, then default.
 */

import { nearest } from "./nearest.ts";
import { byteUnits, durationUnits, flagOf, type Setting, type SettingValue, type Unit, variableOf } from "./setting.ts";
import { everySetting } from "./settings.ts";

/** Wrong usage: one line that says what to mend. The process exits 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** As commander gives them: text, a list of texts, or true. */
export type Flags = Readonly<Record<string, unknown>>;

/** A parsed config file, and what it is called in a refusal. */
export interface ConfigFile {
  readonly path: string;
  readonly entries: Readonly<Record<string, unknown>>;
}

export interface Sources {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined when there is none. */
  readonly file: ConfigFile | undefined;
}

/** The values of one command's settings, each read as the type that its setting declares. */
export class Settings {
  readonly #values: ReadonlyMap<string, SettingValue | undefined>;

  /** Holds an entry for each of the command's settings, undefined when nothing gave it a value. */
  constructor(values: ReadonlyMap<string, SettingValue | undefined>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#valueOf(name);
    return typeof value === "string" ? value : undefined;
  }

  /** Throws a UsageError that names the flag when nothing gave the value. */
  requiredText(setting: Setting): string {
    const value = this.text(setting.name);
    if (value !== undefined) return value;
    throw new UsageError(`${flagOf(setting)} is required (or ${variableOf(setting)}): ${setting.help}`);
  }

  /** A count, a number of bytes or of milliseconds; throws a UsageError when nothing gave it. */
  count(name: string): number {
    const value = this.#valueOf(name);
    if (typeof value !== "number") throw new UsageError(`--${name} is required`);
    return value;
  }

  /** False when nothing gave it. */
  switch(name: string): boolean {
    return this.#valueOf(name) === true;
  }

  list(name: string): readonly string[] {
    const value = this.#valueOf(name);
    return Array.isArray(value) ? value : [];
  }

  /** What was chosen, by name, without what was left open. */
  chosen(): readonly (readonly [name: string, value: SettingValue])[] {
    return [...this.#values].flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  }

  #valueOf(name: string): SettingValue | undefined {
    if (!this.#values.has(name)) throw new RangeError(`this command has no setting ${name}`);
    return this.#values.get(name);
  }
}

/**
 * Throws a UsageError for a value of the wrong type, and for a name in the config file that is no setting of any
 * command: what is misspelt would otherwise be left at its default without a word.
 */
export function resolveSettings(table: readonly Setting[], sources: Sources): Settings {
  if (sources.file !== undefined) requireKnown(sources.file);
  return new Settings(new Map(table.map((setting) => [setting.name, valueOf(setting, sources)])));
}

function requireKnown({ path, entries }: ConfigFile): void {
  const known = everySetting.map(({ name }) => name);
  for (const name of Object.keys(entries)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    const advice = meant === undefined ? "balsa serve --help lists those of a node" : `did you mean "${meant}"?`;
    throw new UsageError(`config file ${path}: unknown setting ${JSON.stringify(name)}; ${advice}`);
  }
}

function valueOf(setting: Setting, { flags, env, file }: Sources): SettingValue | undefined {
  const flag = flags[flagAttribute(setting)];
  if (flag !== undefined) return parse(setting, flag, flagOf(setting));
  const variable = env[variableOf(setting)];
  if (variable !== undefined && variable !== "") return parse(setting, variable, variableOf(setting));
  const entry = file?.entries[setting.name];
  if (file !== undefined && entry !== undefined) {
    return parse(setting, entry, `config file ${file.path}: ${setting.name}`);
  }
  return setting.default;
}

/** The name under which commander files a flag: its words in camel case. */
export function flagAttribute({ name }: Setting): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

type Parser = (given: unknown) => SettingValue | undefined;

const parsers: Readonly<Record<Setting["type"], { readonly wanted: string; readonly parse: Parser }>> = {
  string: { wanted: "a text that is not empty", parse: (given) => (isText(given) ? given : undefined) },
  boolean: { wanted: "true or false", parse: parseBoolean },
  count: { wanted: "a whole number", parse: parseCount },
  bytes: { wanted: "a number of bytes, as 65536, 64KiB, 1MiB or 2GiB", parse: parseBytes },
  duration: { wanted: "a time with its unit, as 500ms, 1s or 2m, or 0", parse: parseDuration },
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

function parseBytes(given: unknown): number | undefined {
  return typeof given === "string" ? parseInUnits(given, byteUnits) : parseCount(given);
}

/** A number alone would leave open whether it counts seconds; only nothing is the same in every unit. */
function parseDuration(given: unknown): number | undefined {
  if (given === 0 || given === "0") return 0;
  return typeof given === "string" ? parseInUnits(given, durationUnits) : undefined;
}

function parseInUnits(given: string, units: readonly Unit[]): number | undefined {
  const [, digits, name] = /^(\d{1,12})([A-Za-z]*)$/.exec(given) ?? [];
  const unit = units.find((candidate) => candidate.name === name);
  return digits === undefined || unit === undefined ? undefined : parseCount(Number(digits) * unit.size);
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
