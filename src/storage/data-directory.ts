/**
 * @module
 * A node's directory: what lies where in it, whose it is, and what is said when it cannot be used.
 *
 *     identity.json  who the node is; written once
 *     log/           LevelDB: entries, term and vote
 *     watermark      how far the log was durable
 *     begun          empty: from here on a missing watermark is a loss
 *     state/         the state machine, a directory a generation
 *     vote-hold      with lease reads: how long its processes keep their word to a leader
 *     snapshots/
 */

import { randomBytes } from "node:crypto";
import { link, open, readdir, readFile, realpath, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StartError, StorageError } from "../errors/balsa-error.ts";
import type { NodeId } from "../raft/types.ts";
import { errorCode, makeDirectoryDurably, syncDirectory, writeSyncedFile } from "./files.ts";
import { checksum } from "./log/record.ts";

const identityVersion = 1;
const identityName = "identity.json";

/** How the node that owns a directory became part of its cluster. */
export type Beginning =
  | { readonly kind: "bootstrap" }
  /** `url` is where it asks to be taken in, until it has been. */
  | { readonly kind: "join"; readonly url: string; readonly learner: boolean };

/** Whose a file is. */
export interface NodeIdentity {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  /** Random, one per directory: 32 hexadecimal digits. */
  readonly incarnation: string;
}

/** Whose a directory is. */
export interface DirectoryIdentity extends NodeIdentity {
  readonly begin: Beginning;
}

/** Real paths, whether there is something yet or not. */
export interface DataDirectory {
  readonly path: string;
  readonly logDirectory: string;
  readonly watermarkFile: string;
  readonly stateDirectory: string;
  readonly snapshotDirectory: string;
  readonly voteHoldFile: string;
  /** Null on a new directory: `writeIdentity` comes next, before anything else is put there. */
  readonly identity: DirectoryIdentity | null;
}

export function newIncarnation(): string {
  return randomBytes(16).toString("hex");
}

/**
 * Makes the directory when it is missing, and reads whose it is.
 *
 * Throws `StartError` when it cannot be written to, holds another node's data, holds data but no identity, or
 * has a format of another version; `StorageError` when its identity does not verify.
 */
export async function openDataDirectory(path: string, { nodeId }: { readonly nodeId: NodeId }): Promise<DataDirectory> {
  await makeWritable(resolve(path));
  const root = await realpath(path);
  const identity = await readIdentity(root);
  if (identity !== null && identity.nodeId !== nodeId) {
    throw new StartError(`${root} holds the data of node ${identity.nodeId}, not ${nodeId}`);
  }
  return {
    path: root,
    logDirectory: await realPathIn(root, "log"),
    watermarkFile: await realPathIn(root, "watermark"),
    stateDirectory: await realPathIn(root, "state"),
    snapshotDirectory: await realPathIn(root, "snapshots"),
    voteHoldFile: await realPathIn(root, "vote-hold"),
    identity,
  };
}

/** Gives a new directory its owner, once: `StartError` when it has one already. Durable when it resolves. */
export async function writeIdentity(directory: DataDirectory, identity: DirectoryIdentity): Promise<void> {
  const { nodeId, clusterId, incarnation, begin } = identity;
  const contents = { formatVersion: identityVersion, nodeId, clusterId, incarnation, begin };
  const whole = { ...contents, checksum: checksumOf(contents) };
  const file = join(directory.path, identityName);
  const temporary = `${file}.${newIncarnation()}.tmp`;
  await writeSyncedFile(temporary, Buffer.from(`${JSON.stringify(whole, null, 2)}\n`));
  try {
    // Unlike a rename, a link never replaces what another process wrote meanwhile.
    await link(temporary, file);
  } catch (cause) {
    if (errorCode(cause) === "EEXIST") throw new StartError(anotherProcessUses(directory.path), { cause });
    throw new StorageError(`cannot write ${file}: ${errorCode(cause)}`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(directory.path);
}

/** What to throw when LevelDB does not open: `StartError` when another process has it, else `StorageError`. */
export function explainOpenFailure(directory: string, error: unknown): StartError | StorageError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (errorCode(cause) === "LEVEL_LOCKED") return new StartError(anotherProcessUses(directory), { cause });
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StorageError(`${directory} cannot be opened: ${text}`, { cause });
}

function anotherProcessUses(path: string): string {
  return `another process uses ${path}`;
}

async function makeWritable(path: string): Promise<void> {
  try {
    await makeDirectoryDurably(path);
    const probe = join(path, `.writable-${newIncarnation()}`);
    await (await open(probe, "wx")).close();
    await rm(probe);
  } catch (error) {
    const cause = error instanceof StorageError ? error.cause : error;
    throw new StartError(`${path} is not writable: ${errorCode(cause)}`, { cause });
  }
}

/** A part of the directory may be a link to another disk. */
async function realPathIn(root: string, name: string): Promise<string> {
  try {
    return await realpath(join(root, name));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return join(root, name);
    throw new StartError(`${join(root, name)} cannot be used: ${errorCode(error)}`, { cause: error });
  }
}

async function readIdentity(root: string): Promise<DirectoryIdentity | null> {
  const file = join(root, identityName);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw new StorageError(`cannot read ${file}: ${errorCode(cause)}`, { cause });
    await refuseOrphans(root);
    return null;
  }
  return parseIdentity(file, text);
}

/** Data without an owner: to take the directory for a new one would hide a loss. */
async function refuseOrphans(root: string): Promise<void> {
  const present = await readdir(root);
  const orphan = ["log", "watermark", "begun", "state", "snapshots"].find((name) => present.includes(name));
  if (orphan !== undefined) {
    throw new StartError(`${root} holds ${orphan} but no ${identityName}: its identity is lost, so it cannot be used`);
  }
}

function parseIdentity(file: string, text: string): DirectoryIdentity {
  const found = parseJsonObject(file, text);
  const { formatVersion, nodeId, clusterId, incarnation, begin } = found;
  if (typeof formatVersion === "number" && formatVersion !== identityVersion) {
    throw new StartError(`${file} has format version ${formatVersion}, this node reads ${identityVersion}`);
  }
  const isWhole = typeof nodeId === "string" && typeof clusterId === "string" && typeof incarnation === "string";
  const contents = { formatVersion, nodeId, clusterId, incarnation, begin };
  if (!isWhole || !isBeginning(begin) || found["checksum"] !== checksumOf(contents)) {
    throw new StorageError(`${file} does not verify: its checksum differs`);
  }
  return { nodeId, clusterId, incarnation, begin };
}

function isBeginning(value: unknown): value is Beginning {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  if (value.kind === "bootstrap") return true;
  return value.kind === "join" && "url" in value && typeof value.url === "string" && "learner" in value;
}

function parseJsonObject(file: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StorageError(`${file} does not verify: it is not JSON`, { cause });
  }
  if (typeof value !== "object" || value === null) {
    throw new StorageError(`${file} does not verify: it is not an object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function checksumOf(contents: object): string {
  return checksum(JSON.stringify(contents)).toString("hex");
}
