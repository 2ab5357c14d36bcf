/**
 * @module
 * Where messages are put until `collect`, by what must be durable before they leave.
 */

import type { Message } from "./message.ts";
import type { RaftState } from "./state.ts";

/** Leaves as soon as the current term is durable: at once, unless it has just begun. */
export function send(state: RaftState, message: Message): void {
  state.outbox.messages.push(message);
}

/** Leaves when everything that this node has taken in by now is durable: entries, term and vote (Figure 2). */
export function sendAfterWrite(state: RaftState, message: Message): void {
  const { afterWrite } = state.outbox;
  const previous = afterWrite.at(-1);
  if (previous !== undefined && supersedes(message, previous)) afterWrite.pop();
  afterWrite.push(message);
}

/** One acknowledgement a turn is enough: a higher match says all that a lower one did. */
function supersedes(message: Message, previous: Message): boolean {
  return (
    message.kind === "appendEntriesMatched" &&
    previous.kind === "appendEntriesMatched" &&
    message.to === previous.to &&
    message.term === previous.term &&
    message.matchIndex >= previous.matchIndex
  );
}
