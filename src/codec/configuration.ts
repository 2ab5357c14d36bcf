/**
 * @module
 * Members, their changes and snapshot metadata, as they travel between nodes (§6, Figure 13): written as
 * positional lists, parsed field by field.
 */

import type {
  Configuration,
  ConfigurationChange,
  ConfigurationStep,
  Member,
  NodeId,
  SnapshotMetadata,
} from "../raft/types.ts";
import { CodecError } from "./codec-error.ts";
import { addressOf, booleanOf, incarnationOf, listOf, nodeIdOf, recordOf, tupleOf, wholeOf, wordOf } from "./field.ts";

/** Members of one cluster, learners included. */
export const membersMax = 256;

const stepKinds = ["addVoter", "addLearner", "remove", "update"] as const;
const transitions = ["auto", "jointImplicit", "jointExplicit"] as const;
const standings = ["voter", "learner"] as const;

/** Parses a change as `packEntry` writes it: maps with exactly the fields of the type. */
export function parseConfigurationChange(value: unknown): ConfigurationChange {
  const change = recordOf(value, ["steps", "transition"], "change");
  const steps = listOf(change.steps, "steps");
  if (steps.length > membersMax) throw new CodecError(`more than ${membersMax} steps`, 0);
  return { steps: steps.map(parseStep), transition: wordOf(change.transition, transitions, "transition") };
}

function parseStep(value: unknown): ConfigurationStep {
  const isMap = typeof value === "object" && value !== null && Object.hasOwn(value, "kind");
  const kind = wordOf(isMap ? (value as { kind: unknown }).kind : undefined, stepKinds, "step");
  if (kind === "remove")
    return { kind, nodeId: nodeIdOf(recordOf(value, ["kind", "nodeId"], "step").nodeId, "nodeId") };
  const step = recordOf(value, ["kind", "nodeId", "member"], "step");
  return { kind, nodeId: nodeIdOf(step.nodeId, "nodeId"), member: parseMember(step.member) };
}

function parseMember(value: unknown): Member {
  const member = recordOf(value, ["httpAddr", "raftAddr", "incarnation", "standing"], "member");
  return memberOf([member.httpAddr, member.raftAddr, member.incarnation, member.standing]);
}

function memberOf(fields: readonly unknown[]): Member {
  const [httpAddr, raftAddr, incarnation, standing] = fields;
  return {
    httpAddr: addressOf(httpAddr, "httpAddr"),
    raftAddr: addressOf(raftAddr, "raftAddr"),
    incarnation: incarnationOf(incarnation, "incarnation"),
    standing: wordOf(standing, standings, "standing"),
  };
}

/** `[voters, votersOutgoing, learners, learnersNext, autoLeave, [[id, httpAddr, raftAddr, incarnation, standing]]]`. */
export function configurationToWire(configuration: Configuration): unknown {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave, members } = configuration;
  const rows = Object.entries(members).map(([id, { httpAddr, raftAddr, incarnation, standing }]) => [
    id,
    httpAddr,
    raftAddr,
    incarnation,
    standing,
  ]);
  return [voters, votersOutgoing, learners, learnersNext, autoLeave, rows];
}

/** Lists sorted and without repetition; `members` exactly those that the lists name. */
export function configurationFromWire(value: unknown): Configuration {
  const [voters, votersOutgoing, learners, learnersNext, autoLeave, rows] = tupleOf(value, 6, "configuration");
  const lists = {
    voters: idsOf(voters, "voters"),
    votersOutgoing: idsOf(votersOutgoing, "votersOutgoing"),
    learners: idsOf(learners, "learners"),
    learnersNext: idsOf(learnersNext, "learnersNext"),
  };
  const members = new Map<NodeId, Member>();
  for (const row of listOf(rows, "members")) {
    const [id, ...fields] = tupleOf(row, 5, "member");
    members.set(nodeIdOf(id, "member"), memberOf(fields));
  }
  const named = new Set(Object.values(lists).flat());
  const memberRows = listOf(rows, "members").length;
  if (memberRows !== members.size || named.size !== members.size || ![...named].every((id) => members.has(id))) {
    throw new CodecError("members are not those that the lists name", 0);
  }
  return { ...lists, autoLeave: booleanOf(autoLeave, "autoLeave"), members: Object.fromEntries(members) };
}

function idsOf(value: unknown, name: string): readonly NodeId[] {
  const ids = listOf(value, name);
  if (ids.length > membersMax) throw new CodecError(`${name} names more than ${membersMax}`, 0);
  const parsed = ids.map((id) => nodeIdOf(id, name));
  for (let at = 1; at < parsed.length; at += 1) {
    if (!((parsed[at - 1] ?? "") < (parsed[at] ?? ""))) throw new CodecError(`${name} is not sorted`, 0);
  }
  return parsed;
}

export function snapshotToWire(snapshot: SnapshotMetadata): unknown {
  const { lastIncludedIndex, lastIncludedTerm, lastIncludedTime, configuration } = snapshot;
  return [lastIncludedIndex, lastIncludedTerm, lastIncludedTime, configurationToWire(configuration)];
}

export function snapshotFromWire(value: unknown): SnapshotMetadata {
  const [lastIncludedIndex, lastIncludedTerm, lastIncludedTime, configuration] = tupleOf(value, 4, "snapshot");
  return {
    lastIncludedIndex: wholeOf(lastIncludedIndex, "lastIncludedIndex"),
    lastIncludedTerm: wholeOf(lastIncludedTerm, "lastIncludedTerm"),
    lastIncludedTime: wholeOf(lastIncludedTime, "lastIncludedTime"),
    configuration: configurationFromWire(configuration),
  };
}
