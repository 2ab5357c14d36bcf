/**
 * @module
 * The border: what a peer said becomes a message, or is refused. Every field of every kind is checked here, and
 * nowhere behind.
 */

import { CodecError } from "../codec/codec-error.ts";
import { parseConfigurationChange, snapshotFromWire } from "../codec/configuration.ts";
import { entriesFromPeer } from "../codec/entries.ts";
import { booleanOf, bytesOf, integerOf, listOf, nodeIdOf, tupleOf, wholeOf, wordOf } from "../codec/field.ts";
import type { AppendEntriesRequest, CampaignMessage, Message, Proposal } from "../raft/message.ts";
import type { NodeId, Term } from "../raft/types.ts";
import type { LinkLimits } from "./limits.ts";
import { messageKinds, messageToWire, proposalKinds, proposalRefusals } from "./message-writer.ts";
import { PeerProtocolError } from "./protocol-error.ts";
import { type ServiceMessage, serviceFromWire, serviceToWire } from "./service-message.ts";

/** What a frame holds: messages of two cores, and of the actors around them. */
export type PeerMessage =
  | {
      readonly kind: "core";
      readonly message: Message;
      /** Of an AppendEntries: its entries as they came, to go to the log unchanged. Empty when it has none. */
      readonly entries: Uint8Array | undefined;
    }
  | { readonly kind: "service"; readonly message: ServiceMessage };

/** The inverse of `parsePeerMessage`; entries that are given packed are not packed again. */
export function peerMessageToWire(peerMessage: PeerMessage): unknown {
  return peerMessage.kind === "service"
    ? serviceToWire(peerMessage.message)
    : messageToWire(peerMessage.message, peerMessage.entries);
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

/**
 * Parses one message as it came out of `decodeUntrusted`. Throws `CodecError` for anything that `messageToWire` and
 * `serviceToWire` do not write, `PeerProtocolError` for one that is not from `from` and to `to`.
 */
export function parsePeerMessage(
  value: unknown,
  link: { readonly from: NodeId; readonly to: NodeId },
  limits: Pick<LinkLimits, "entries">,
): PeerMessage {
  const wire = listOf(value, "message");
  const service = serviceFromWire(wire);
  if (service !== undefined) return { kind: "service", message: service };
  if (wire[0] !== messageKinds.appendEntriesRequest) {
    const message = messageFromWire(wire, limits);
    checkDirection(message, link);
    return { kind: "core", message, entries: undefined };
  }
  // Whose it is shows before its entries are parsed: they may be many.
  if (wire[1] !== link.from || wire[2] !== link.to) checkDirection(envelopeOf(wire), link);
  return { kind: "core", message: messageFromWire(wire, limits), entries: bytesOf(wire[7], "entries") };
}

function checkDirection(message: Envelope, link: { readonly from: NodeId; readonly to: NodeId }): void {
  if (message.from === link.from && message.to === link.to) return;
  throw new PeerProtocolError(
    "messageMisdirected",
    `a message from ${message.from} to ${message.to} on the link from ${link.from} to ${link.to}`,
  );
}

/** Parses a core message of whomever to whomever. Commands are views of what was decoded. Throws `CodecError`. */
export function messageFromWire(value: unknown, limits: Pick<LinkLimits, "entries">): Message {
  const wire = listOf(value, "message");
  switch (wire[0]) {
    case messageKinds.appendEntriesRequest:
      return appendEntriesFrom(wire, limits);
    case messageKinds.appendEntriesMatched: {
      const matchIndex = wholeOf(tupleOf(wire, 5, "appendEntriesMatched")[4], "matchIndex");
      const { from, to, term } = envelopeOf(wire);
      return { kind: "appendEntriesMatched", from, to, term, matchIndex };
    }
    case messageKinds.appendEntriesRejected: {
      const [, , , , prevLogIndex, term, index] = tupleOf(wire, 7, "appendEntriesRejected");
      const hint = { term: wholeOf(term, "hint.term"), index: wholeOf(index, "hint.index") };
      return {
        kind: "appendEntriesRejected",
        ...envelopeOf(wire),
        prevLogIndex: wholeOf(prevLogIndex, "prevLogIndex"),
        hint,
      };
    }
    case messageKinds.heartbeatRequest: {
      tupleOf(wire, 6, "heartbeatRequest");
      const { from, to, term } = envelopeOf(wire);
      const leaderCommit = wholeOf(wire[4], "leaderCommit");
      return { kind: "heartbeatRequest", from, to, term, leaderCommit, readRound: wholeOf(wire[5], "readRound") };
    }
    case messageKinds.heartbeatResponse: {
      const readRound = wholeOf(tupleOf(wire, 5, "heartbeatResponse")[4], "readRound");
      const { from, to, term } = envelopeOf(wire);
      return { kind: "heartbeatResponse", from, to, term, readRound };
    }
    case messageKinds.installSnapshotRequest: {
      const [, , , , snapshot] = tupleOf(wire, 5, "installSnapshotRequest");
      return { kind: "installSnapshotRequest", ...envelopeOf(wire), snapshot: snapshotFromWire(snapshot) };
    }
    default:
      return electionFromWire(wire);
  }
}

function electionFromWire(wire: readonly unknown[]): Message {
  switch (wire[0]) {
    case messageKinds.preVoteRequest:
      tupleOf(wire, 8, "preVoteRequest");
      return { kind: "preVoteRequest", ...envelopeOf(wire), ...committedOf(wire), ...lastLogOf(wire) };
    case messageKinds.requestVoteRequest: {
      const [, , , , , , , , leadershipTransfer] = tupleOf(wire, 9, "requestVoteRequest");
      return {
        kind: "requestVoteRequest",
        ...envelopeOf(wire),
        ...committedOf(wire),
        ...lastLogOf(wire),
        leadershipTransfer: booleanOf(leadershipTransfer, "leadershipTransfer"),
      };
    }
    case messageKinds.preVoteResponse: {
      const voteGranted = booleanOf(tupleOf(wire, 7, "preVoteResponse")[6], "voteGranted");
      return { kind: "preVoteResponse", ...envelopeOf(wire), ...committedOf(wire), voteGranted };
    }
    case messageKinds.requestVoteResponse: {
      const voteGranted = booleanOf(tupleOf(wire, 7, "requestVoteResponse")[6], "voteGranted");
      return { kind: "requestVoteResponse", ...envelopeOf(wire), ...committedOf(wire), voteGranted };
    }
    case messageKinds.timeoutNowRequest:
      tupleOf(wire, 4, "timeoutNowRequest");
      return { kind: "timeoutNowRequest", ...envelopeOf(wire) };
    case messageKinds.transferRequest: {
      const [, , , , transferee] = tupleOf(wire, 5, "transferRequest");
      return { kind: "transferRequest", ...envelopeOf(wire), transferee: nodeIdOf(transferee, "transferee") };
    }
    default:
      return clientRequestFromWire(wire);
  }
}

function clientRequestFromWire(wire: readonly unknown[]): Message {
  switch (wire[0]) {
    case messageKinds.forwardedProposal: {
      const proposal = proposalFrom(wire);
      return {
        kind: "forwardedProposal",
        ...envelopeOf(wire),
        proposalId: integerOf(wire[4], "proposalId"),
        proposal,
      };
    }
    case messageKinds.forwardedProposalRefused: {
      const [, , , , proposalId, reason] = tupleOf(wire, 6, "forwardedProposalRefused");
      return {
        kind: "forwardedProposalRefused",
        ...envelopeOf(wire),
        proposalId: integerOf(proposalId, "proposalId"),
        reason: wordOf(reason, proposalRefusals, "reason"),
      };
    }
    case messageKinds.readIndexRequest: {
      const readId = integerOf(tupleOf(wire, 5, "readIndexRequest")[4], "readId");
      const { from, to, term } = envelopeOf(wire);
      return { kind: "readIndexRequest", from, to, term, readId };
    }
    case messageKinds.leaseReadRequest: {
      const [, , , , readId] = tupleOf(wire, 5, "leaseReadRequest");
      return { kind: "leaseReadRequest", ...envelopeOf(wire), readId: integerOf(readId, "readId") };
    }
    case messageKinds.readIndexResponse: {
      tupleOf(wire, 6, "readIndexResponse");
      const { from, to, term } = envelopeOf(wire);
      const readId = integerOf(wire[4], "readId");
      return { kind: "readIndexResponse", from, to, term, readId, readIndex: wholeOf(wire[5], "readIndex") };
    }
    case messageKinds.removalNotice: {
      const [, , , , appliedIndex] = tupleOf(wire, 5, "removalNotice");
      return { kind: "removalNotice", ...envelopeOf(wire), appliedIndex: wholeOf(appliedIndex, "appliedIndex") };
    }
    default:
      throw new CodecError("an unknown kind of message", 0);
  }
}

function appendEntriesFrom(value: readonly unknown[], limits: Pick<LinkLimits, "entries">): AppendEntriesRequest {
  const wire = tupleOf(value, 8, "appendEntriesRequest");
  const { from, to, term } = envelopeOf(wire);
  const prevLogIndex = wholeOf(wire[4], "prevLogIndex");
  const prevLogTerm = wholeOf(wire[5], "prevLogTerm");
  const leaderCommit = wholeOf(wire[6], "leaderCommit");
  const entries = entriesFromPeer(bytesOf(wire[7], "entries"), prevLogIndex + 1, limits.entries);
  // A leader's log holds no term below the one before, and none above its own (§5.3).
  const first = entries[0];
  const last = entries.at(-1);
  if (first !== undefined && first.term < prevLogTerm) throw new CodecError("entries of a term below prevLogTerm", 0);
  if ((last?.term ?? prevLogTerm) > term) throw new CodecError("entries of a term above the sender's", 0);
  return { kind: "appendEntriesRequest", from, to, term, prevLogIndex, prevLogTerm, leaderCommit, entries };
}

function proposalFrom(wire: readonly unknown[]): Proposal {
  if (wire[5] === proposalKinds.configuration) {
    const [, , , , , , change] = tupleOf(wire, 7, "forwardedProposal");
    return { kind: "configuration", change: parseConfigurationChange(change) };
  }
  if (wire[5] !== proposalKinds.commands) throw new CodecError("an unknown kind of proposal", 0);
  const [, , , , , , slab, ends] = tupleOf(wire, 8, "forwardedProposal");
  return { kind: "commands", commands: commandsOf(bytesOf(slab, "slab"), listOf(ends, "ends")) };
}

function commandsOf(slab: Uint8Array, ends: readonly unknown[]): readonly Uint8Array[] {
  let start = 0;
  const commands = ends.map((value) => {
    const end = wholeOf(value, "end");
    if (end < start || end > slab.byteLength) throw new CodecError("a command outside its slab", 0);
    const command = slab.subarray(start, end);
    start = end;
    return command;
  });
  if (start !== slab.byteLength) throw new CodecError("a slab longer than its commands", 0);
  return commands;
}

function envelopeOf(wire: readonly unknown[]): Envelope {
  return { from: nodeIdOf(wire[1], "from"), to: nodeIdOf(wire[2], "to"), term: wholeOf(wire[3], "term") };
}

function lastLogOf(wire: readonly unknown[]): { readonly lastLogIndex: number; readonly lastLogTerm: number } {
  return { lastLogIndex: wholeOf(wire[6], "lastLogIndex"), lastLogTerm: wholeOf(wire[7], "lastLogTerm") };
}

function committedOf(wire: readonly unknown[]): Pick<CampaignMessage, "committed"> {
  return { committed: { index: wholeOf(wire[4], "committed.index"), term: wholeOf(wire[5], "committed.term") } };
}
