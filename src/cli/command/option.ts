/**
 * @module
 * Options that several commands have, and how their values are written.
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import { defaultTextOf, flagOf, type Setting, variableOf } from "./setting.ts";

export function outputOption(): Option {
  const formats = new Option("-o, --output <format>", "how the answer is printed").choices(["simple", "table", "json"]);
  return formats.default("simple");
}

export function addSettings(command: Command, settings: readonly Setting[]): Command {
  for (const setting of settings) command.addOption(optionOf(setting));
  return command
    .option("--config <file.json>", "read settings from a JSON object (BALSA_CONFIG)")
    .exitOverride()
    .allowExcessArguments(false);
}

/** Text only: types, environment and defaults are `resolve.ts`'s business. */
function optionOf(setting: Setting): Option {
  const byDefault = defaultTextOf(setting);
  const choices = setting.choices === undefined ? "" : `: ${setting.choices.join(", ")}`;
  const help = `${setting.help}${choices} (${variableOf(setting)}${byDefault === "" ? "" : `; default ${byDefault}`})`;
  if (setting.type === "boolean") return new Option(flagOf(setting), help);
  const option = new Option(`${flagOf(setting)} <${setting.placeholder ?? "value"}>`, help);
  if (setting.type !== "list") return option;
  return option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
}

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds. For commander, which explains what is thrown. */
export function durationOf(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(digits) * (durationUnitsMs[unit] ?? Number.NaN);
  if (Number.isSafeInteger(ms)) return ms;
  throw new InvalidArgumentError("A time has its unit, as 500ms, 30s, 5m, 2h or 7d.");
}

/** For commander, which explains what is thrown. */
export function revisionOf(text: string): number {
  const revision = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new InvalidArgumentError("A revision is a whole number.");
}

/** For commander, which explains what is thrown. */
export function limitOf(text: string): number {
  const limit = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (limit >= 1) return limit;
  throw new InvalidArgumentError("A limit is a whole number, 1 or more.");
}
