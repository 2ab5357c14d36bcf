/**
 * @module
 * What an operator is told of leadership and of this node's own place among the members: one line a change.
 */

import type { AdvertisedAddresses, Supervisor } from "../../actor/context.ts";
import type { LogIndex, NodeId, Term } from "../../raft/types.ts";
import type { RaftConfig } from "../protocol/config.ts";
import type { LeadershipChanged } from "../protocol/ingress-raft.ts";

export class StatusNews {
  readonly #config: Pick<RaftConfig, "identity">;
  readonly #say: Supervisor["log"];
  #advertised: AdvertisedAddresses;
  #seen: LeadershipChanged | null = null;
  #told: { readonly term: Term; readonly leaderId: NodeId | null } | null = null;
  #isMisplacementTold = false;
  /** Whether the others have known this node where it is. */
  #wasPlaced = false;
  #toldMembers = "";
  #toldRole = "";
  #isRemovalTold = false;

  constructor(config: Pick<RaftConfig, "identity" | "addresses">, say: Supervisor["log"]) {
    this.#config = config;
    this.#advertised = config.addresses;
    this.#say = say;
  }

  /** Before the core begins, so that nobody is told of an address that was not known yet. */
  setAddresses(advertised: AdvertisedAddresses): void {
    this.#advertised = advertised;
  }

  /** Called once a turn, with the same object as long as nothing has changed. */
  onStatus(status: LeadershipChanged, commitIndex: LogIndex): void {
    if (status === this.#seen) return;
    if (this.#seen === null) this.#tellOutside(status, commitIndex);
    this.#seen = status;
    this.#tellRole(status, commitIndex);
    this.#tellLeader(status, commitIndex);
    this.#tellMembers(status, commitIndex);
    this.#tellMisplacement(status);
    this.#tellRemoval(status, commitIndex);
  }

  #tellLeader({ term, leaderId }: LeadershipChanged, commitIndex: LogIndex): void {
    if (this.#told?.term === term && this.#told.leaderId === leaderId) return;
    this.#told = { term, leaderId };
    const role = leaderId === this.#config.identity.nodeId ? "leader" : "follower";
    const message = leaderId === null ? `no leader is known in term ${term}` : `${leaderId} leads in term ${term}`;
    this.#say("info", message, { term, index: commitIndex, leader: leaderId, role });
  }

  /** Candidacies that come to nothing are of interest only to who looks for the reason. */
  #tellRole({ term, role }: LeadershipChanged, commitIndex: LogIndex): void {
    if (role === this.#toldRole) return;
    this.#toldRole = role;
    this.#say("debug", `this node is ${role} in term ${term}`, { term, index: commitIndex });
  }

  #tellMembers({ term, configuration }: LeadershipChanged, commitIndex: LogIndex): void {
    const { voters, votersOutgoing, learners } = configuration;
    const members = [listed("voters", voters), listed("voters until now", votersOutgoing), listed("learners", learners)]
      .filter((part) => part !== "")
      .join("; ");
    if (members === this.#toldMembers || members === "") return;
    this.#toldMembers = members;
    this.#say("info", members, { term, index: commitIndex });
  }

  /** Of a node that comes back: whether it was removed, or is to be told by the leader what it missed, it cannot know. */
  #tellOutside({ term, configuration }: LeadershipChanged, commitIndex: LogIndex): void {
    const { voters, members } = configuration;
    const { nodeId } = this.#config.identity;
    if (voters.length === 0 || Object.hasOwn(members, nodeId)) return;
    const message =
      `this node is not among the members that its log names (voters ${voters.join(", ")}): it was removed, and is to be ` +
      "stopped, unless a leader sends to it what it missed";
    this.#say("warn", message, { term, index: commitIndex });
  }

  #tellRemoval({ term, removed }: LeadershipChanged, commitIndex: LogIndex): void {
    if (removed === this.#isRemovalTold) return;
    this.#isRemovalTold = removed;
    const fields = { term, index: commitIndex };
    if (!removed) return this.#say("info", "this node is a member again", fields);
    const message =
      "this node was removed from the cluster: it campaigns no longer, and what it holds grows old; stop it";
    this.#say("warn", message, fields);
  }

  /** A node that was started elsewhere than the others look for it is unreachable, and nothing else would say so. */
  #tellMisplacement({ term, configuration }: LeadershipChanged): void {
    const { identity } = this.#config;
    const known = configuration.members[identity.nodeId];
    if (known === undefined || this.#isMisplacementTold) return;
    const knownAs = `${known.httpAddr} / ${known.raftAddr}`;
    const says = `${this.#advertised.httpAdvertise} / ${this.#advertised.raftAdvertise}`;
    if (knownAs === says) {
      this.#wasPlaced = true;
      return;
    }
    this.#isMisplacementTold = true;
    // It tells them when it starts. Whoever changes its addresses while it runs may be about to start it there.
    const remedy = this.#wasPlaced
      ? "start it there, or change them back with balsa member update"
      : "it will tell them";
    const message = `this node is known to others as ${knownAs}, and is started at ${says}: ${remedy}`;
    this.#say("warn", message, { node: identity.nodeId, term, knownAs, says });
  }
}

/** Empty when there are none. */
function listed(what: string, ids: readonly NodeId[]): string {
  return ids.length === 0 ? "" : `${what} ${ids.join(", ")}`;
}
