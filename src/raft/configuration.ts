/**
 * @module
 * How one configuration becomes the next (§6, dissertation §4.1, §4.3): pure functions of a configuration and
 * a change, with every check that keeps the quorums of neighbours overlapping.
 */

import type { Configuration, ConfigurationChange, ConfigurationStep, Member, NodeId } from "./types.ts";

export type ChangeOutcome =
  | { readonly kind: "changed"; readonly configuration: Configuration }
  | { readonly kind: "refused"; readonly reason: "lastVoter" | "invalidConfiguration"; readonly detail: string };

/** A configuration while its steps are being taken. */
interface Draft {
  readonly voters: Set<NodeId>;
  readonly votersOutgoing: ReadonlySet<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
  readonly members: Record<NodeId, Member>;
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.length > 0;
}

/** Does the node vote, in either half? */
export function isVoter(configuration: Configuration, nodeId: NodeId): boolean {
  return configuration.voters.includes(nodeId) || configuration.votersOutgoing.includes(nodeId);
}

export function isOnlyVoter(configuration: Configuration, nodeId: NodeId): boolean {
  return configuration.voters.length === 1 && configuration.voters[0] === nodeId && !isJoint(configuration);
}

/** All ids of the configuration, sorted. */
export function memberIds(configuration: Configuration): NodeId[] {
  const { voters, votersOutgoing, learners, learnersNext } = configuration;
  return sorted(new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext]));
}

/**
 * What the change makes of the configuration; refused changes say why. Steps about ids that are not there
 * are taken as no-ops, so that a committed entry can never end a node: `refusalOf` is stricter.
 */
export function tryChange(configuration: Configuration, change: ConfigurationChange): ChangeOutcome {
  const { steps, transition } = change;
  if (steps.length === 0) return leaveJoint(configuration);
  if (steps.length === 1 && transition === "auto") return simple(configuration, steps);
  return enterJoint(configuration, { steps, autoLeave: transition !== "jointExplicit" });
}

/** The configuration after an applied change; as it was when the change cannot follow it. */
export function changed(configuration: Configuration, change: ConfigurationChange): Configuration {
  const outcome = tryChange(configuration, change);
  return outcome.kind === "changed" ? outcome.configuration : configuration;
}

/**
 * Why the change must not be appended now; null when it may. Stricter than `tryChange`: unknown ids are refused, and so
 * is a voter that is added as a learner, lest one that joins twice, at two nodes, lose the vote it has got meanwhile.
 * Who means to take a vote away removes the voter first, in the same change.
 */
export function refusalOf(
  configuration: Configuration,
  change: ConfigurationChange,
): "lastVoter" | "invalidConfiguration" | null {
  for (const step of change.steps) {
    if (step.nodeId === "") return "invalidConfiguration";
    if (step.kind === "addLearner" && isVoter(configuration, step.nodeId) && !change.steps.some(removes(step.nodeId))) {
      return "invalidConfiguration";
    }
    const mustBeKnown = step.kind === "remove" || step.kind === "update";
    if (mustBeKnown && configuration.members[step.nodeId] === undefined) return "invalidConfiguration";
  }
  const outcome = tryChange(configuration, change);
  return outcome.kind === "refused" ? outcome.reason : null;
}

function removes(nodeId: NodeId): (step: ConfigurationStep) => boolean {
  return (step) => step.kind === "remove" && step.nodeId === nodeId;
}

/** Changes at most one voter, so that any two majorities, before and after, overlap (dissertation §4.1). */
export function simple(configuration: Configuration, steps: readonly ConfigurationStep[]): ChangeOutcome {
  if (isJoint(configuration)) return invalid("can't apply simple config change in joint config");
  const draft = draftOf(configuration);
  for (const step of steps) take(draft, step);
  if (draft.voters.size === 0) return withoutVoters;
  if (differences(configuration.voters, draft.voters) > 1) {
    return invalid("more than one voter changed without entering joint config");
  }
  return { kind: "changed", configuration: configurationOf(draft, false) };
}

/** The present voters become the outgoing half; the steps are taken on the incoming one (§6). */
export function enterJoint(
  configuration: Configuration,
  { steps, autoLeave }: { readonly steps: readonly ConfigurationStep[]; readonly autoLeave: boolean },
): ChangeOutcome {
  if (isJoint(configuration)) return invalid("config is already joint");
  if (configuration.voters.length === 0) return invalid("can't make a zero-voter config joint");
  const draft = draftOf({ ...configuration, votersOutgoing: configuration.voters });
  for (const step of steps) take(draft, step);
  if (draft.voters.size === 0) return withoutVoters;
  return { kind: "changed", configuration: configurationOf(draft, autoLeave) };
}

/** The incoming half alone remains; voters demoted meanwhile become learners (§6). */
export function leaveJoint(configuration: Configuration): ChangeOutcome {
  if (!isJoint(configuration)) return invalid("can't leave a non-joint config");
  const draft = draftOf({
    ...configuration,
    votersOutgoing: [],
    learners: [...configuration.learners, ...configuration.learnersNext],
    learnersNext: [],
  });
  for (const nodeId of configuration.votersOutgoing) {
    if (!draft.voters.has(nodeId) && !draft.learners.has(nodeId)) delete draft.members[nodeId];
  }
  return { kind: "changed", configuration: configurationOf(draft, false) };
}

/** A step about the empty id is a no-op: entries of that form exist where a change was abandoned. */
function take(draft: Draft, step: ConfigurationStep): void {
  if (step.nodeId === "") return;
  switch (step.kind) {
    case "addVoter":
      draft.learners.delete(step.nodeId);
      draft.learnersNext.delete(step.nodeId);
      draft.voters.add(step.nodeId);
      draft.members[step.nodeId] = { ...step.member, standing: "voter" };
      return;
    case "addLearner":
      return makeLearner(draft, step.nodeId, step.member);
    case "remove":
      draft.voters.delete(step.nodeId);
      draft.learners.delete(step.nodeId);
      draft.learnersNext.delete(step.nodeId);
      if (!draft.votersOutgoing.has(step.nodeId)) delete draft.members[step.nodeId];
      return;
    case "update":
      if (draft.members[step.nodeId] !== undefined) draft.members[step.nodeId] = step.member;
  }
}

/** A voter that is made a learner stays one: its standing must not promote it again. */
function makeLearner(draft: Draft, nodeId: NodeId, member: Member): void {
  const demoted = draft.voters.delete(nodeId) || draft.learnersNext.has(nodeId);
  draft.members[nodeId] = demoted ? { ...member, standing: "learner" } : member;
  if (draft.learners.has(nodeId)) return;
  // It counts in the outgoing half until that is left, and must not be in two lists meanwhile.
  if (draft.votersOutgoing.has(nodeId)) draft.learnersNext.add(nodeId);
  else draft.learners.add(nodeId);
}

const withoutVoters: ChangeOutcome = { kind: "refused", reason: "lastVoter", detail: "removed all voters" };

function invalid(detail: string): ChangeOutcome {
  return { kind: "refused", reason: "invalidConfiguration", detail };
}

function draftOf(configuration: Configuration): Draft {
  return {
    voters: new Set(configuration.voters),
    votersOutgoing: new Set(configuration.votersOutgoing),
    learners: new Set(configuration.learners),
    learnersNext: new Set(configuration.learnersNext),
    members: { ...configuration.members },
  };
}

function configurationOf(draft: Draft, autoLeave: boolean): Configuration {
  return {
    voters: sorted(draft.voters),
    votersOutgoing: sorted(draft.votersOutgoing),
    learners: sorted(draft.learners),
    learnersNext: sorted(draft.learnersNext),
    autoLeave,
    members: draft.members,
  };
}

/** How many ids are in one of the two and not in the other. */
function differences(before: readonly NodeId[], after: ReadonlySet<NodeId>): number {
  const kept = before.filter((nodeId) => after.has(nodeId)).length;
  return before.length + after.size - 2 * kept;
}

function sorted(nodeIds: ReadonlySet<NodeId>): NodeId[] {
  return [...nodeIds].sort((a, b) => (a < b ? -1 : 1));
}
