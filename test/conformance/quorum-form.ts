/**
 * @module
 * Tables of quorums: how far a majority, or two joint ones, have come, and what given votes decide.
 */

import { majorityReached, majorityVote, quorumReached, quorumVote, type VoteResult } from "../../src/raft/quorum.ts";
import { type Directive, parseDatadriven, valuesOf } from "./datadriven.ts";
import { type CaseFile, type CaseResult, compared, type Form } from "./form.ts";

interface Halves {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
}

export const quorumForm: Form = {
  name: "quorum tables",
  recognise: ({ text }) => directivesOf(text).length > 0,
  run: ({ path, text }: CaseFile): CaseResult[] =>
    directivesOf(text).map((directive) => {
      const got = directive.command === "committed" ? committed(directive) : vote(directive);
      return compared(`${path}:${directive.line}`, resultOf(directive.expected), got);
    }),
};

/** Empty for a file of another form. */
function directivesOf(text: string): readonly Directive[] {
  const directives = parseDatadriven(text) ?? [];
  const isKnown = directives.every(({ command }) => command === "committed" || command === "vote");
  return isKnown ? directives : [];
}

/** The last word; a picture of who stands where may come before it. */
function resultOf(expected: readonly string[]): string {
  return /(?:∞|\d+|Vote\w+)$/.exec(expected.join("\n").trimEnd())?.[0] ?? expected.join("\n");
}

function halvesOf(directive: Directive): Halves {
  const outgoing = (valuesOf(directive, "cfgj") ?? []).filter((id) => id !== "zero");
  return { voters: valuesOf(directive, "cfg") ?? [], votersOutgoing: outgoing };
}

/** Values go to the ids of both halves in their order, each id once; `_` is none. */
function assigned(directive: Directive, key: string): Map<string, string> {
  const { voters, votersOutgoing } = halvesOf(directive);
  const ids = [...new Set([...voters, ...votersOutgoing])];
  const given = valuesOf(directive, key) ?? [];
  if (given.length !== ids.length) throw new Error(`line ${directive.line}: ${ids.length} ids, ${given.length} values`);
  const values = new Map<string, string>();
  for (const [position, id] of ids.entries()) {
    const value = given[position];
    if (value !== undefined && value !== "_") values.set(id, value);
  }
  return values;
}

function committed(directive: Directive): string {
  const halves = halvesOf(directive);
  const reached = new Map<string, number>();
  for (const [id, value] of assigned(directive, "idx")) reached.set(id, Number(value));
  const index = quorumReached(halves, (id) => reached.get(id));
  return brokenRule(halves, reached, index) ?? (index === Number.POSITIVE_INFINITY ? "∞" : String(index));
}

/** What must hold for every table: which rule does not, or null. */
function brokenRule(halves: Halves, reached: ReadonlyMap<string, number>, index: number): string | null {
  const { voters, votersOutgoing } = halves;
  const of = (tried: Halves): number => quorumReached(tried, (id) => reached.get(id));
  if (votersOutgoing.length > 0 && of({ voters: votersOutgoing, votersOutgoing: voters }) !== index) {
    return "another index with its halves swapped";
  }
  const alone = majorityReached(voters, (id) => reached.get(id));
  if (of({ voters, votersOutgoing: [] }) !== alone) return "another index when joint with nobody";
  if (of({ voters, votersOutgoing: voters }) !== alone) return "another index when joint with itself";
  for (const [lowered, value] of reached) {
    for (const less of [0, value - 1]) {
      if (less < 0) continue;
      const after = quorumReached(halves, (id) => (id === lowered ? less : reached.get(id)));
      if (after > index) return `a higher index when ${lowered} falls to ${less}`;
    }
  }
  return null;
}

function vote(directive: Directive): string {
  const halves = halvesOf(directive);
  const votes = new Map<string, boolean>();
  for (const [id, value] of assigned(directive, "votes")) votes.set(id, value === "y");
  const result = quorumVote(halves, votes);
  const { voters, votersOutgoing } = halves;
  if (quorumVote({ voters: votersOutgoing, votersOutgoing: voters }, votes) !== result)
    return "another with halves swapped";
  const alone = majorityVote(voters, votes);
  if (quorumVote({ voters, votersOutgoing: voters }, votes) !== alone) return "another when joint with itself";
  const names: Record<VoteResult, string> = { pending: "VotePending", lost: "VoteLost", won: "VoteWon" };
  return names[result];
}
