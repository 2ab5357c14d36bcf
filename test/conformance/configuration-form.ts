/**
 * @module
 * Tables of configuration changes: what follows from each, who is probed from where, or why it is refused.
 */

import { type ChangeOutcome, enterJoint, leaveJoint, simple } from "../../src/raft/configuration.ts";
import { recounted } from "../../src/raft/membership.ts";
import type { Progress } from "../../src/raft/progress.ts";
import { type Configuration, emptyConfiguration } from "../../src/raft/types.ts";
import { type Directive, parseDatadriven, valueOf } from "./datadriven.ts";
import { type CaseResult, compared, type Form } from "./form.ts";
import { numberOf, numbersOf, stepsOf } from "./ids.ts";

const commands = new Set(["simple", "enter-joint", "leave-joint"]);
/** As the tables take it; nothing is in flight in them. */
const window = { messagesMax: 10, bytesMax: Number.MAX_SAFE_INTEGER };

export const configurationForm: Form = {
  name: "configuration-change tables",
  recognise: ({ text }) => directivesOf(text).length > 0,
  run: ({ path, text }) => {
    const table = new Table();
    return directivesOf(text).map((directive): CaseResult => {
      return compared(`${path}:${directive.line}`, directive.expected.join("\n").trimEnd(), table.run(directive));
    });
  },
};

/** Empty for a file of another form. */
function directivesOf(text: string): readonly Directive[] {
  const directives = parseDatadriven(text) ?? [];
  return directives.every(({ command }) => commands.has(command)) ? directives : [];
}

/** One configuration and what its leader knows of its members; the log grows by an entry a command. */
class Table {
  #configuration: Configuration = emptyConfiguration;
  #progress: Progress[] = [];
  #lastIndex = 0;

  run(directive: Directive): string {
    const outcome = this.#outcomeOf(directive);
    const lastIndex = this.#lastIndex;
    this.#lastIndex += 1;
    if (outcome.kind === "refused") return outcome.detail;
    this.#configuration = outcome.configuration;
    this.#progress = recounted(outcome.configuration, this.#progress, { lastIndex, window });
    return [described(outcome.configuration), ...this.#progress.map((progress) => this.#line(progress))].join("\n");
  }

  #outcomeOf(directive: Directive): ChangeOutcome {
    const steps = stepsOf(directive.input.join(" ").split(/\s+/).filter(Boolean));
    switch (directive.command) {
      case "simple":
        return simple(this.#configuration, steps);
      case "enter-joint":
        return enterJoint(this.#configuration, { steps, autoLeave: valueOf(directive, "autoleave") === "true" });
      default:
        return leaveJoint(this.#configuration);
    }
  }

  #line({ id, matchIndex, nextIndex }: Progress): string {
    const learner = this.#configuration.learners.includes(id) ? " learner" : "";
    return `${numberOf(id)}: StateProbe match=${matchIndex} next=${nextIndex}${learner}`;
  }
}

function described({ voters, votersOutgoing, learners, learnersNext, autoLeave }: Configuration): string {
  const parts = [`voters=(${numbersOf(voters)})`];
  if (votersOutgoing.length > 0) parts[0] += `&&(${numbersOf(votersOutgoing)})`;
  if (learners.length > 0) parts.push(`learners=(${numbersOf(learners)})`);
  if (learnersNext.length > 0) parts.push(`learners_next=(${numbersOf(learnersNext)})`);
  if (autoLeave) parts.push("autoleave");
  return parts.join(" ");
}
