/**
 * @module
 * How a log line looks: one JSON object a line for machines, a short form for a terminal. Both on stderr.
 */

import type { LogLine } from "../../cluster/options.ts";

const levels = ["debug", "info", "warn", "error"] as const;

export interface LogStyle {
  readonly node: string;
  /** The least that is written. */
  readonly level: string;
  readonly format: "json" | "pretty";
}

export function makeLog(style: LogStyle, write: (text: string) => void): (line: LogLine) => void {
  const least = levels.findIndex((level) => level === style.level);
  const render = style.format === "json" ? renderJson : renderPretty;
  return (line) => {
    if (levels.indexOf(line.level) >= least) write(`${render(line, style.node, new Date())}\n`);
  };
}

function renderJson(line: LogLine, node: string, time: Date): string {
  const { level, actor, message, fields } = line;
  const head = { time: time.toISOString(), level, node, actor, message };
  const others = Object.fromEntries(Object.entries(fields).filter(([name]) => !Object.hasOwn(head, name)));
  // Its own names come first, whatever the fields are called: an object would list numbers before them.
  const tail = JSON.stringify(others).slice(1);
  return `${JSON.stringify(head).slice(0, -1)}${tail === "}" ? "" : ","}${tail}`;
}

function renderPretty(line: LogLine, node: string, time: Date): string {
  const clock = time.toISOString().slice(11, 23);
  const fields = Object.entries(line.fields).map(([name, value]) => ` ${name}=${value}`);
  return `${clock} ${line.level.padEnd(5)} ${node} ${line.actor.padEnd(7)} ${line.message}${fields.join("")}`;
}
