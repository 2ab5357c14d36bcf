/**
 * @module
 * The cases number their nodes; the core names them by text, which sorts as text.
 */

import type { ConfigurationStep, NodeId } from "../../src/raft/types.ts";
import { memberOf } from "../support/core-node.ts";

const digits = 6;

/** Of equal length, so that the order of names is that of numbers; 0 is nobody. */
export function idOf(number: string | number): NodeId {
  return Number(number) === 0 ? "" : String(number).padStart(digits, "0");
}

export function numberOf(id: NodeId | null): number {
  return id === null || id === "" ? 0 : Number(id);
}

export function numbersOf(ids: readonly NodeId[]): string {
  return ids.map(numberOf).join(" ");
}

/** `vN`, `lN`, `rN`, `uN`: voter, learner, remove, update. A learner of these cases stays one. */
export function stepsOf(tokens: readonly string[]): ConfigurationStep[] {
  return tokens.map((token) => {
    const nodeId = idOf(token.slice(1));
    switch (token[0]) {
      case "v":
        return { kind: "addVoter", nodeId, member: memberOf(nodeId) };
      case "l":
        return { kind: "addLearner", nodeId, member: memberOf(nodeId, "learner") };
      case "r":
        return { kind: "remove", nodeId };
      case "u":
        return { kind: "update", nodeId, member: memberOf(nodeId) };
      default:
        throw new Error(`${token} is no change of members`);
    }
  });
}

export function tokensOf(steps: readonly ConfigurationStep[]): string {
  const letters = { addVoter: "v", addLearner: "l", remove: "r", update: "u" } as const;
  return steps.map(({ kind, nodeId }) => `${letters[kind]}${numberOf(nodeId)}`).join(" ");
}
