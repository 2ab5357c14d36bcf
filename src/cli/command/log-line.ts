/**
 * @module
 * How a log line looks: one JSON object a line for machines, a short form for people. Both on stderr.
 */

import type { LogLine } from "../../cluster/options.ts";

const levels = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof levels)[number];

export interface LogStyle {
  readonly node: string;
  /** The least that is written. */
  readonly level: LogLevel;
  readonly format: "json" | "pretty";
}

/** Anything but a level is `info`. */
export function logLevelOf(text: string | undefined): LogLevel {
  return levels.find((level) => level === text) ?? "info";
}

/** Writes the lines of one node; its level may change while it runs. */
export class LogPrinter {
  readonly #style: LogStyle;
  readonly #write: (text: string) => void;
  #level: LogLevel;

  constructor(style: LogStyle, write: (text: string) => void) {
    this.#style = style;
    this.#write = write;
    this.#level = style.level;
  }

  /** Bound, so that it can be handed on. */
  readonly print = (line: LogLine): void => {
    if (levels.indexOf(line.level) >= levels.indexOf(this.#level)) this.#put(line);
  };

  /** Everything is written from now on, or what was asked for at the start again; either is told whatever the level. */
  toggleDebug(standing: LogLine["fields"] = {}): void {
    this.#level = this.#level === "debug" ? this.#style.level : "debug";
    const message = `lines of level ${this.#level} and above are written from now on`;
    this.#put({ level: "info", actor: "main", message, fields: { ...standing, logLevel: this.#level } });
  }

  #put(line: LogLine): void {
    const render = this.#style.format === "json" ? renderJson : renderPretty;
    this.#write(`${render(line, this.#style.node, new Date())}\n`);
  }
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
  const fields = Object.entries(line.fields).map(([name, value]) => ` ${name}=${prettyValue(value)}`);
  const text = `${line.level.padEnd(5)} ${node} ${line.actor.padEnd(7)} ${line.message}${fields.join("")}`;
  return `${clock} ${visible(text)}`;
}

function prettyValue(value: LogLine["fields"][string]): string {
  return typeof value === "string" && (value === "" || /[\s"=]/.test(value)) ? JSON.stringify(value) : String(value);
}

/** What strangers sent may stand in a line: nothing of it may end the line or reach the terminal as a command. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
