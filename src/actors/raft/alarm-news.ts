/**
 * @module
 * What an operator is told of alarms: one line when one is raised, one when it ends.
 */

import type { Supervisor } from "../../actor/context.ts";
import type { StateMismatch } from "../protocol/ingress-raft.ts";

export class AlarmNews {
  readonly #say: Supervisor["log"];
  #seen: readonly StateMismatch[] = [];

  constructor(say: Supervisor["log"]) {
    this.#say = say;
  }

  /** Called once a turn, with the same array as long as nothing has changed; by one that does not lead, with none. */
  onAlarms(alarms: readonly StateMismatch[], leads: boolean): void {
    const before = this.#seen;
    if (alarms === before) return;
    this.#seen = alarms;
    for (const { nodes, index } of alarms.filter((alarm) => !before.includes(alarm))) {
      const [leader, member] = nodes;
      const message =
        `after index ${index} the state of ${member} is not that of ${leader}, which leads: one of them is wrong. ` +
        "Nothing is stopped; README says how to find out which and to replace it";
      this.#say("error", message, { leader, member, index });
    }
    if (!leads) return;
    for (const { nodes } of before.filter((alarm) => !alarms.includes(alarm))) {
      const [leader, member] = nodes;
      this.#say("info", `the state of ${member} is that of ${leader} again, or it is no member any more`, {
        leader,
        member,
      });
    }
  }
}
