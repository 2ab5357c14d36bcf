/**
 * @module
 * The command line: which commands there are, and the exit code of each (0 success, 1 failure, 2 wrong usage).
 */

import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { StartError } from "../../errors/balsa-error.ts";
import { addDataCommands } from "./data-program.ts";
import type { MemberCommandName } from "./member-command.ts";
import { addSettings, outputOption } from "./option.ts";
import { type Flags, UsageError } from "./resolve.ts";
import { clientSettings, clusterSettings, serveSettings } from "./settings.ts";

const packageFile = new URL("../../../../package.json", import.meta.url);

/** Runs one command and leaves its exit code in `process.exitCode`; a command that ends the process does it itself. */
export async function run(args: readonly string[]): Promise<void> {
  ignoreBrokenPipes();
  try {
    const exit = { code: 0 };
    await makeProgram(exit).parseAsync([...args], { from: "user" });
    process.exitCode = exit.code;
  } catch (cause) {
    process.exitCode = explain(cause);
  }
}

/** A reader that went away (`balsa get a | head -c 1`), or a log nobody reads, is no reason to crash. */
function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

function explain(cause: unknown): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
  if (cause instanceof UsageError) {
    process.stderr.write(`balsa: ${cause.message}\n`);
    return 2;
  }
  const known = cause instanceof StartError;
  const text = cause instanceof Error ? (known ? cause.message : (cause.stack ?? cause.message)) : String(cause);
  process.stderr.write(`balsa: ${text}\n`);
  return 1;
}

/** `exit` is given the code of the command that runs. */
export function makeProgram(exit: { code: number }): Command {
  const program = new Command("balsa")
    .description("A replicated key-value store. See README.md for the HTTP API.")
    .version(readVersion(), "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "balsa: ")) })
    .showHelpAfterError("(balsa --help lists the commands)")
    .showSuggestionAfterError(true);

  const serve = program.command("serve").description("run one node in the foreground");
  addSettings(serve, serveSettings).action(async (flags: Flags) => {
    const { serve } = await import("./serve.ts");
    exit.code = await serve(flags);
  });

  const cluster = program.command("cluster").description("run several nodes as processes on this machine");
  addSettings(cluster, clusterSettings).action(async (flags: Flags) => {
    const { cluster } = await import("./cluster.ts");
    exit.code = await cluster(flags);
  });

  addDataCommands(program, exit);
  addMemberCommands(program, exit);
  return program;
}

function addMemberCommands(program: Command, exit: { code: number }): void {
  const member = program.command("member").description("list and change the members of a cluster").exitOverride();
  const add = (usage: string, description: string, options: readonly Option[] = []): void => {
    const command = addSettings(member.command(usage).description(description), clientSettings);
    for (const option of options) command.addOption(option);
    const name = command.name() as MemberCommandName;
    command.addOption(outputOption()).action(async () => {
      const { runMemberCommand } = await import("./member-command.ts");
      exit.code = await runMemberCommand(name, command.args[0] ?? "", command.opts());
    });
  };
  const addresses = [
    new Option("--http <host:port>", "where clients reach it"),
    new Option("--raft <host:port>", "where other nodes reach it"),
  ];
  const learner = new Option("--learner", "it stays a learner, without a vote");
  const incarnation = new Option("--incarnation <name>", "the only data directory to let in, as its node says it");
  add("list", "print the members");
  add("add <id>", "add a member: a learner, and a voter once it has caught up", [...addresses, learner]);
  add("remove <id>", "remove a member; a leader hands over first");
  add("promote <id>", "give a learner a vote, once it has caught up");
  add("update <id>", "tell the cluster where a member is reached now", addresses);
  add("replace <id>", "let a new data directory take the place of a lost one", [...addresses, incarnation]);
}

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(packageFile, "utf8"));
  const named = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return named && typeof parsed.version === "string" ? parsed.version : "unknown";
}
