/**
 * @module
 * The file that `--config` names: one JSON object, a key a setting.
 *
 * JSON, since Node reads it and says where it is wrong; another notation would need a package in the process that
 * holds the data.
 */

import { readFileSync } from "node:fs";
import { type ConfigFile, type Flags, resolveSettings, type Settings, UsageError } from "./resolve.ts";
import type { Setting } from "./setting.ts";

/** One command's settings from all sources. Throws a UsageError that says what to mend. */
export function readSettings(table: readonly Setting[], flags: Flags): Settings {
  return resolveSettings(table, { flags, env: process.env, file: readConfigFile(configPathOf(flags)) });
}

/** Undefined when no config file was named. */
export function configPathOf(flags: Flags): string | undefined {
  if (typeof flags["config"] === "string") return flags["config"];
  const variable = process.env["BALSA_CONFIG"];
  return variable === "" ? undefined : variable;
}

function readConfigFile(path: string | undefined): ConfigFile | undefined {
  if (path === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`config file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`config file ${path}: not a JSON object, as {"http": "127.0.0.1:8091"}`);
  }
  return { path, entries: { ...parsed } };
}
