/**
 * @module
 * Pumps what reaches the raft actor into turns, and carries out what they decide.
 */

import type { ActorContext, AdvertisedAddresses, LinkCuts, PeerPlace } from "../../actor/context.ts";
import type { Edge } from "../../actor/edge.ts";
import { Pump } from "../../actor/pump.ts";
import { parseAddress, parseDialledAddress } from "../../address/address.ts";
import type { NodeId } from "../../raft/types.ts";
import { Links } from "../../transport/links.ts";
import type { PeerMessage } from "../../transport/message-parser.ts";
import type { RaftConfig } from "../protocol/config.ts";
import type { IngressToRaft, RaftToIngress } from "../protocol/ingress-raft.ts";
import type { LogToRaft, RaftToLog } from "../protocol/raft-log.ts";
import type { RaftToStore, StoreToRaft } from "../protocol/raft-store.ts";
import { AlarmNews } from "./alarm-news.ts";
import { ApplyLag } from "./apply-lag.ts";
import { HeartbeatGauge } from "./heartbeat-gauge.ts";
import type { RaftActorEffects, RaftActorInput } from "./input.ts";
import { showOnBoard } from "./show-on-board.ts";
import { SnapshotTraffic } from "./snapshot-traffic.ts";
import { createRaftActor, type RaftActorState, startedCore } from "./state.ts";
import { StatusNews } from "./status-news.ts";
import { turn } from "./turn.ts";

const inputsPerTurnMax = 4096;
/** Inputs that wait above this stop the reading of peers; Raft sends again what it must. */
const mailboxMax = 16_384;
/** A leader that stops waits this long for another to take over. */
const handOverMs = 1_500;
const handOverPollMs = 5;

export class RaftRunner {
  readonly #context: ActorContext<RaftConfig>;
  readonly #now: () => number;
  readonly #state: RaftActorState;
  readonly #links: Links;
  readonly #ingress: Edge<IngressToRaft, RaftToIngress>;
  readonly #log: Edge<LogToRaft, RaftToLog>;
  readonly #store: Edge<StoreToRaft, RaftToStore>;
  readonly #pump: Pump<RaftActorInput>;
  readonly #snapshots: SnapshotTraffic;
  readonly #heartbeats: HeartbeatGauge;
  readonly #applyLag: ApplyLag;
  readonly #news: StatusNews;
  readonly #alarms: AlarmNews;
  #paused = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(context: ActorContext<RaftConfig>, now: () => number) {
    const { config, supervisor, board } = context;
    this.#context = context;
    this.#now = now;
    this.#state = createRaftActor(config);
    this.#ingress = context.edge("ingress");
    this.#log = context.edge("log");
    this.#store = context.edge("store");
    this.#pump = new Pump((inputs) => this.#turn(inputs), { inputsPerTurnMax });
    this.#heartbeats = new HeartbeatGauge(board);
    this.#applyLag = new ApplyLag(board);
    this.#news = new StatusNews(config, (level, message, fields) => supervisor.log(level, message, fields));
    this.#alarms = new AlarmNews((level, message, fields) => supervisor.log(level, message, fields));
    this.#snapshots = new SnapshotTraffic((message) => this.#store.send([message]));
    const { identity, addresses, peerQueueBytesMax, frameBytesMax } = config;
    this.#links = new Links(
      { ...identity, raftAddr: addresses.raftAdvertise, voteHoldMs: config.options.voteHoldMs },
      {
        onMessages: (from, messages) => this.#onPeerMessages(from, messages),
        onDisconnected: (peer) => this.#pump.push({ kind: "peerDisconnected", peer }),
        onUnreachable: (peer) => this.#pump.push({ kind: "peerUnreachable", peer }),
        onRefused: () => undefined,
        expectedIncarnation: (nodeId) => this.#state.shown?.configuration.members[nodeId]?.incarnation,
        refuse: () => undefined,
        onSnapshotChunk: (from, message, offset, bytes, last) =>
          this.#snapshots.store({ from, snapshot: message.snapshot, offset, bytes, last }),
        onLog: (level, message, fields) => supervisor.log(level, message, fields),
      },
      { queueBytesMax: peerQueueBytesMax, frameBytesMax },
    );
  }

  async start(): Promise<void> {
    const { config, supervisor } = this.#context;
    this.#hear();
    const address = parseAddress(config.addresses.raftListen);
    if (address === null) throw new RangeError(`${config.addresses.raftListen} is not host:port`);
    supervisor.listening(await this.#links.listen(address.host, address.port));
    this.#ticker = setInterval(() => this.#pump.push({ kind: "tick" }), config.options.tickMs);
  }

  /** A leader hands over first; then nothing is said to anybody any more. */
  async stop(): Promise<void> {
    this.#pump.push({ kind: "handOver" });
    const giveUpAt = this.#now() + (this.#isLeaderOfOthers() ? handOverMs : 0);
    while (this.#isLeaderOfOthers() && this.#now() < giveUpAt) {
      await new Promise((resolve) => {
        setTimeout(resolve, handOverPollMs);
      });
    }
    clearInterval(this.#ticker);
    this.#pump.stop();
    await this.#links.close();
    for (const edge of [this.#ingress, this.#log, this.#store]) edge.close();
  }

  setCuts(cuts: LinkCuts): void {
    this.#links.setCuts(cuts);
  }

  setAddresses(advertised: AdvertisedAddresses): void {
    this.#links.advertise(advertised.raftAdvertise);
    this.#news.setAddresses(advertised);
    this.#pump.push({ kind: "addressed", advertised });
  }

  expectPeers(places: readonly PeerPlace[]): void {
    for (const { id, raftAddr } of places) this.#links.expectAt(id, raftAddr);
  }

  #hear(): void {
    this.#ingress.onMessages((messages) => {
      for (const message of messages) this.#pump.push({ kind: "fromIngress", message });
    });
    this.#log.onMessages((messages) => {
      for (const message of messages) this.#pump.push({ kind: "fromLog", message });
    });
    this.#store.onMessages((messages) => {
      for (const message of messages) {
        if (message.kind === "snapshotInstalled") this.#applyLag.onReplaced();
        if (message.kind === "snapshotChunk" || message.kind === "snapshotChunkStored") this.#snapshots.settle(message);
        else this.#pump.push({ kind: "fromStore", message });
      }
    });
  }

  #onPeerMessages(from: NodeId, messages: readonly PeerMessage[]): void {
    for (const peerMessage of messages) {
      if (peerMessage.kind === "service") {
        this.#pump.push({ kind: "serviceFromPeer", from, message: peerMessage.message });
        continue;
      }
      const { message, entries } = peerMessage;
      if (message.kind === "heartbeatRequest") this.#heartbeats.onHeard(this.#now());
      this.#pump.push({ kind: "fromPeer", message, entries });
    }
    if (this.#paused || this.#pump.waiting < mailboxMax) return;
    this.#paused = true;
    this.#links.pause();
  }

  #turn(inputs: readonly RaftActorInput[]): void {
    const { board } = this.#context;
    const appliedIndex = board.get("appliedIndex");
    this.#applyLag.onApplied(appliedIndex, board.get("appliedAtUs") / 1000);
    try {
      const stateAwaited = board.get("stateAwaited") === 1;
      this.#carryOut(turn(this.#state, inputs, { nowMs: this.#now(), appliedIndex, stateAwaited }));
    } catch (cause) {
      this.#context.fail(cause);
      return;
    }
    if (!this.#paused || this.#pump.waiting > mailboxMax / 2) return;
    this.#paused = false;
    this.#links.resume();
  }

  #carryOut(effects: RaftActorEffects): void {
    // Peers first: what goes to their disks has further to go than what goes to the own one.
    this.#sendToPeers(effects);
    this.#log.send(effects.toLog);
    this.#store.send(effects.toStore);
    if (effects.toStore.some(({ kind }) => kind === "apply")) {
      this.#applyLag.onHandedOn(startedCore(this.#state).log.emittedIndex, this.#now());
    }
    this.#ingress.send(effects.toIngress);
    if (effects.peers !== null) this.#connectTo(effects.peers.members);
    for (const { to, transfer, message, snapshot } of effects.sendSnapshots) {
      const readPart = this.#snapshots.reader(to, snapshot);
      void this.#links.sendSnapshot(to, message, readPart).then((delivered) => {
        this.#pump.push({ kind: "snapshotSent", to, transfer, delivered });
      });
    }
    if (this.#state.shown?.role !== "leader") this.#heartbeats.onNotLeading();
    if (this.#state.shown !== null) this.#news.onStatus(this.#state.shown, startedCore(this.#state).log.commitIndex);
    this.#alarms.onAlarms(this.#state.comparison.alarms, this.#state.shown?.role === "leader");
    showOnBoard(this.#state, this.#context.board, this.#links.queuedBytes());
  }

  #sendToPeers({ toPeers, serviceToPeers }: RaftActorEffects): void {
    const byPeer = new Map<NodeId, PeerMessage[]>();
    const to = (peer: NodeId): PeerMessage[] => {
      const known = byPeer.get(peer);
      if (known !== undefined) return known;
      const made: PeerMessage[] = [];
      byPeer.set(peer, made);
      return made;
    };
    for (const { message, entries } of toPeers) to(message.to).push({ kind: "core", message, entries });
    for (const { to: peer, message } of serviceToPeers) to(peer).push({ kind: "service", message });
    if (toPeers.some(({ message }) => message.kind === "heartbeatRequest")) this.#heartbeats.onSent(this.#now());
    for (const [peer, messages] of byPeer) {
      if (!this.#links.sendMessages(peer, messages)) this.#pump.push({ kind: "peerUnreachable", peer });
    }
  }

  #connectTo(members: Readonly<Record<NodeId, { readonly raftAddr: string }>>): void {
    const peers = new Map<NodeId, { readonly host: string; readonly port: number }>();
    for (const [id, { raftAddr }] of Object.entries(members)) {
      const address = parseDialledAddress(raftAddr);
      if (address !== null) peers.set(id, address);
    }
    this.#links.setPeers(peers);
  }

  #isLeaderOfOthers(): boolean {
    const shown = this.#state.shown;
    return shown !== null && shown.role === "leader" && shown.configuration.voters.length > 1;
  }
}
