/**
 * @module
 * `balsa member list|add|remove|promote|update|replace`: who belongs to a running cluster, and in which role.
 */

import type { BalsaClient } from "../../client/balsa-client.ts";
import type { ListedMember, MemberAddresses, NewMember } from "../../client/members.ts";
import { BalsaError } from "../../errors/balsa-error.ts";
import { complain, openClient, outputOf } from "./open-client.ts";
import { printDone, printMember, printMembers } from "./print.ts";
import { type Flags, UsageError } from "./resolve.ts";

export type MemberCommandName = "list" | "add" | "remove" | "promote" | "update" | "replace";

/** Gives the exit code: 0, or 1 when it failed. Throws a UsageError for wrong usage. */
export async function runMemberCommand(name: MemberCommandName, id: string, flags: Flags): Promise<number> {
  const client = openClient(flags);
  const output = outputOf(flags);
  try {
    switch (name) {
      case "list":
        printMembers(output, await client.members.list());
        return 0;
      case "add":
        printMember(output, await client.members.add(newMemberOf(id, flags)));
        return 0;
      case "remove":
        await client.members.remove(id);
        printDone(output, { id });
        return 0;
      case "promote":
        printMember(output, await client.members.promote(id));
        return 0;
      case "update":
        printMember(output, await client.members.update(id, someAddressOf(flags)));
        return 0;
      case "replace":
        return await replace(client, id, flags);
    }
  } catch (cause) {
    if (!(cause instanceof BalsaError)) throw cause;
    return complain(cause, name !== "list");
  } finally {
    client.close();
  }
}

/**
 * The old directory first ceases to be a member, so that what it once acknowledged counts no more; then the new one
 * enters as a learner, which costs no quorum however long it takes to catch up.
 */
async function replace(client: BalsaClient, id: string, flags: Flags): Promise<number> {
  const { httpAddr, raftAddr } = addressesOf(flags);
  const incarnation = textIn(flags, "incarnation");
  const before = (await client.members.list()).find((member) => member.id === id);
  if (before === undefined) throw new BalsaError("MEMBER_NOT_FOUND", `no member is called ${id}`);
  const member: NewMember = {
    id,
    httpAddr: httpAddr ?? before.httpAddr,
    raftAddr: raftAddr ?? before.raftAddr,
    // What it was meant to be: of the old directory's way to a vote nothing is left.
    role: before.joining ? "voter" : before.role,
    ...(incarnation === undefined ? {} : { incarnation }),
  };
  await client.members.remove(id);
  try {
    printMember(outputOf(flags), await client.members.add(member));
  } catch (cause) {
    if (!(cause instanceof BalsaError) || cause.code !== "TIMEOUT") throw afterRemoval(cause, member);
    await reportWaiting(client, member, cause, flags);
  }
  return 0;
}

/** Replaced it is, as soon as it is listed: what is missing is its process. */
async function reportWaiting(client: BalsaClient, member: NewMember, why: BalsaError, flags: Flags): Promise<void> {
  const listed: ListedMember | undefined = (await client.members.list()).find(({ id }) => id === member.id);
  if (listed === undefined) throw afterRemoval(why, member);
  printMember(outputOf(flags), listed);
  const door = (await client.members.list()).find(({ id, healthy }) => id !== member.id && healthy);
  process.stderr.write(
    `balsa: ${member.id} is replaced, and a learner until its node has caught up. If that is not running: balsa serve ` +
      `--id ${member.id} --http ${member.httpAddr} --raft ${member.raftAddr} --data DIRECTORY --join ` +
      `http://${door?.httpAddr ?? "HOST:PORT-OF-A-MEMBER"}\n`,
  );
}

function afterRemoval(cause: unknown, { id, httpAddr, raftAddr }: NewMember): unknown {
  if (!(cause instanceof BalsaError)) return cause;
  const rest = `${id} was removed, but not added again: balsa member add ${id} --http ${httpAddr} --raft ${raftAddr}`;
  return new BalsaError(cause.code, `${cause.message}; ${rest}`, "unknown");
}

function newMemberOf(id: string, flags: Flags): NewMember {
  const { httpAddr, raftAddr } = addressesOf(flags);
  if (httpAddr === undefined || raftAddr === undefined) {
    throw new UsageError("--http and --raft are required: where clients and other nodes reach the new member");
  }
  return { id, httpAddr, raftAddr, role: flags["learner"] === true ? "learner" : "voter" };
}

function someAddressOf(flags: Flags): MemberAddresses {
  const addresses = addressesOf(flags);
  if (Object.keys(addresses).length > 0) return addresses;
  throw new UsageError("--http or --raft is required: where the member is reached now");
}

function addressesOf(flags: Flags): MemberAddresses {
  const [httpAddr, raftAddr] = [textIn(flags, "http"), textIn(flags, "raft")];
  return { ...(httpAddr === undefined ? {} : { httpAddr }), ...(raftAddr === undefined ? {} : { raftAddr }) };
}

function textIn(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}
