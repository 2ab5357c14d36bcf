/**
 * @module
 * The datadriven form of test files: a command with arguments, lines of input, `----`, what is expected.
 */

export interface Directive {
  /** From 1: where the command stands. */
  readonly line: number;
  readonly command: string;
  /** In their order; `3` is a key without values, `cfg=(1,2)` a key with two. */
  readonly args: readonly Argument[];
  readonly input: readonly string[];
  readonly expected: readonly string[];
}

export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

const separator = "----";

/** All directives of a file; null when the text is not of this form. */
export function parseDatadriven(text: string): readonly Directive[] | null {
  const lines = text.split(/\r?\n/);
  const directives: Directive[] = [];
  let position = 0;
  while (position < lines.length) {
    const line = lines[position] ?? "";
    if (line.trim() === "" || line.startsWith("#")) {
      position += 1;
      continue;
    }
    const end = lines.indexOf(separator, position);
    const head = parseHead(line);
    if (end < 0 || head === null) return null;
    const expectation = expectationAfter(lines, end);
    const input = lines.slice(position + 1, end).filter((given) => given.trim() !== "");
    directives.push({ line: position + 1, ...head, input, expected: expectation.lines });
    position = expectation.end;
  }
  return directives.length === 0 ? null : directives;
}

/** The values of an argument; undefined when it is not given. */
export function valuesOf({ args }: Directive, key: string): readonly string[] | undefined {
  return args.find((argument) => argument.key === key)?.values;
}

/** The only value of an argument; undefined when it is not given. */
export function valueOf(directive: Directive, key: string): string | undefined {
  return valuesOf(directive, key)?.[0];
}

/** Ends at an empty line; a doubled separator encloses output that holds empty lines itself. */
function expectationAfter(lines: readonly string[], separatorAt: number): { lines: string[]; end: number } {
  const isDoubled = lines[separatorAt + 1] === separator;
  const from = separatorAt + (isDoubled ? 2 : 1);
  let end = from;
  if (isDoubled) {
    while (end < lines.length && !(lines[end] === separator && lines[end + 1] === separator)) end += 1;
    return { lines: lines.slice(from, end), end: end + 2 };
  }
  while (end < lines.length && lines[end] !== "") end += 1;
  return { lines: lines.slice(from, end), end };
}

function parseHead(line: string): { command: string; args: Argument[] } | null {
  const match = /^([a-z_][a-z0-9_-]*)(\s+.*)?$/.exec(line.trim());
  if (match === null) return null;
  const [, command = "", rest = ""] = match;
  const args: Argument[] = [];
  for (const [, key = "", list, value] of rest.matchAll(/([^\s=]+)(?:=\s*(?:\(([^)]*)\)|(\S+)))?/g)) {
    args.push({ key, values: list === undefined ? listOf(value) : listOf(list.split(",")) });
  }
  return { command, args };
}

function listOf(given: string | string[] | undefined): string[] {
  if (given === undefined) return [];
  const values = typeof given === "string" ? [given] : given.map((value) => value.trim());
  return values.filter((value) => value !== "");
}
