/**
 * @module
 * The commands that read and write what a cluster stores: their arguments, options, and an example of each.
 */

import { type Command, Option } from "commander";
import type { DataCommandName } from "./data-command.ts";
import { addSettings, durationOf, limitOf, outputOption, revisionOf } from "./option.ts";
import { clientSettings } from "./settings.ts";

interface Shape {
  readonly usage: string;
  readonly description: string;
  readonly options?: readonly Option[];
  readonly example: string;
}

const level = new Option("--level <level>", "how fresh the answer must be")
  .choices(["linearizable", "lease", "stale"])
  .default("linearizable");
const maxAge = new Option("--max-age <time>", "with --level stale: no older than this, as 500ms or 5s");
const revision = new Option("--revision <revision>", "as of this revision").argParser(revisionOf);
const readOptions: readonly Option[] = [level, maxAge.argParser(durationOf), revision];
const prefix = (what: string): Option => new Option("--prefix", `${what} every key that begins so`);
const start = new Option("--start <key>", "from this key on");
const end = new Option("--end <key>", "up to before this key");
const ifRevision = new Option("--if-revision <revision>", "only if the key was last put at this revision");
ifRevision.argParser(revisionOf);
const ifPresent = new Option("--if-present", "only if the key exists");

const shapes: Readonly<Record<DataCommandName, Shape>> = {
  get: {
    usage: "get <key>",
    description: "print the value of a key (exit 1 when it does not exist)",
    options: [...readOptions, prefix("print")],
    example: "balsa get config/port\nbalsa get config/ --prefix -o table",
  },
  put: {
    usage: "put <key> [value]",
    description: "put a value; raw bytes from stdin when none is given",
    options: [
      new Option("--ttl <time>", "the key goes after this time, as 30s, 5m or 7d").argParser(durationOf),
      new Option("--lease <id>", "the key goes with this lease").conflicts("ttl"),
      new Option("--if-absent", "only if the key does not exist").conflicts(["ifPresent", "ifRevision"]),
      ifPresent,
      ifRevision.conflicts("ifPresent"),
    ],
    example: "balsa put config/port 8080\nbalsa put blob < file.bin\nbalsa put alive yes --ttl 30s --if-absent",
  },
  del: {
    usage: "del <key>",
    description: "delete a key, and print how many there were",
    options: [prefix("delete").conflicts(["ifPresent", "ifRevision"]), ifPresent, ifRevision],
    example: "balsa del config/port\nbalsa del config/ --prefix",
  },
  keys: {
    usage: "keys [prefix]",
    description: "print the keys of a range, of any size, as they were at one revision",
    options: [
      start,
      end,
      new Option("--limit <n>", "so many at most").argParser(limitOf),
      new Option("--reverse", "in descending order"),
      new Option("--values", "with their values: a line for the key, then the value"),
      ...readOptions,
    ],
    example: "balsa keys config/\nbalsa keys --start a --end n --values -o json   (a line an item)",
  },
  txn: {
    usage: "txn [json]",
    description: "run a transaction, the JSON of POST /txn; from stdin when none is given",
    example: `balsa txn '{"if":[{"key":"a","target":"version","op":"=","operand":0}],"then":[{"put":{"key":"a","value":"1"}}]}'`,
  },
  watch: {
    usage: "watch [key]",
    description: "print the changes of a key or a range, in order, none missed and none twice, until Ctrl-C",
    options: [
      prefix("watch"),
      start,
      end,
      new Option("--since <revision>", "the changes after this revision, and not only those from now on").argParser(
        revisionOf,
      ),
      new Option("--prev", "with what the key was before"),
    ],
    example: "balsa watch config/ --prefix\nbalsa watch config/port --since 42 -o json   (a line a change)",
  },
  compact: {
    usage: "compact <revision>",
    description: "forget what was before a revision",
    example: "balsa compact 1000",
  },
  status: {
    usage: "status",
    description: "print what each endpoint says of itself",
    example: "balsa status -o table",
  },
};

export type LeaseCommandName = "grant" | "keepalive" | "list" | "get" | "revoke";

const leaseShapes: Readonly<Record<LeaseCommandName, Shape>> = {
  grant: {
    usage: "grant <ttl>",
    description: "grant a lease, and print its id",
    example: "balsa put alive yes --lease $(balsa lease grant 30s)",
  },
  keepalive: {
    usage: "keepalive <id>",
    description: "keep a lease alive until Ctrl-C (exit 1 when it ends)",
    options: [new Option("--once", "give it its whole TTL again, once")],
    example: "balsa lease keepalive 7",
  },
  list: { usage: "list", description: "print the leases", example: "balsa lease list -o table" },
  get: {
    usage: "get <id>",
    description: "print a lease: how long it lives, and its keys",
    example: "balsa lease get 7",
  },
  revoke: {
    usage: "revoke <id>",
    description: "end a lease and delete its keys",
    example: "balsa lease revoke 7",
  },
};

/** `exit` is given the code of the command that runs. */
export function addDataCommands(program: Command, exit: { code: number }): void {
  for (const [name, shape] of Object.entries(shapes)) {
    addCommand(program, shape).action(async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const { runDataCommand } = await import("./data-command.ts");
      exit.code = await runDataCommand(name as DataCommandName, command.args, command.opts());
    });
  }
  const lease = program.command("lease").description("leases: keys that go unless they are kept alive").exitOverride();
  for (const [name, shape] of Object.entries(leaseShapes)) {
    addCommand(lease, shape).action(async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const { runLeaseCommand } = await import("./lease-command.ts");
      exit.code = await runLeaseCommand(name as LeaseCommandName, command.args[0] ?? "", command.opts());
    });
  }
}

function addCommand(parent: Command, { usage, description, options = [], example }: Shape): Command {
  const command = addSettings(parent.command(usage).description(description), clientSettings);
  for (const option of options) command.addOption(option);
  const indented = example.replaceAll("\n", "\n  ");
  return command.addOption(outputOption()).addHelpText("after", `\nExample:\n  ${indented}`);
}
