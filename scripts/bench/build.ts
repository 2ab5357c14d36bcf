/**
 * @module
 * Another build of Balsa to compare with: of a revision, made in a directory of its own, or one that is there already.
 */

import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./child.ts";

export interface Build {
  /** What it is called in the report. */
  readonly name: string;
  /** The compiled command line. */
  readonly binary: string;
}

/** Where builds come from, and where they may be made. */
export interface BuildPlace {
  /** The repository that is measured, whose packages are used where the other wants the same. */
  readonly root: string;
  /** Not there yet; the caller removes it. */
  readonly directory: string;
}

/** `against` is a revision of the repository, else a directory, whose build is taken as it is. Throws when it is neither. */
export async function buildOf(against: string, { root, directory }: BuildPlace): Promise<Build> {
  const commit = await commitOf(root, against);
  if (commit !== undefined) return await buildRevision(commit, { root, directory });
  if (!existsSync(join(against, "package.json")))
    throw new Error(`${against} is no revision of the repository in ${root}, and no directory that holds a build`);
  const binary = binaryIn(resolve(against));
  if (!existsSync(binary)) throw new Error(`${against} is not built: run \`npm ci && npm run build\` there`);
  return { name: `the build in ${against}`, binary };
}

/** The full name of the commit and its subject; undefined when there is none of that name. */
async function commitOf(root: string, revision: string): Promise<string | undefined> {
  const args = ["-C", root, "rev-parse", "--quiet", "--verify", "--end-of-options", `${revision}^{commit}`];
  const output = await run("git", args).catch(() => "");
  return output === "" ? undefined : output.trim();
}

async function buildRevision(commit: string, { root, directory }: BuildPlace): Promise<Build> {
  // A clone leaves no trace in the repository, as a worktree would that is not taken down in order.
  await run("git", ["clone", "--quiet", "--shared", "--no-checkout", root, directory]);
  await run("git", ["-C", directory, "checkout", "--quiet", "--detach", commit]);
  if (haveSamePackages(root, directory)) symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  else await run("npm", ["ci", "--no-audit", "--no-fund"], directory);
  await run("npm", ["run", "build"], directory);
  const name = await run("git", ["-C", directory, "log", "-1", "--format=%h %s"]);
  return { name: name.trim(), binary: binaryIn(directory) };
}

function haveSamePackages(root: string, directory: string): boolean {
  const lock = "package-lock.json";
  return (
    existsSync(join(root, "node_modules")) && readFileSync(join(root, lock)).equals(readFileSync(join(directory, lock)))
  );
}

function binaryIn(directory: string): string {
  const { bin } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    readonly bin?: { readonly balsa?: string };
  };
  if (bin?.balsa === undefined) throw new Error(`the package in ${directory} has no command \`balsa\``);
  return join(directory, bin.balsa);
}
