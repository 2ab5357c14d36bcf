/**
 * @module
 * Requests and frames that are wrong, made from a seed, and sent to a node over connections of their own.
 */

import { connect, type Socket } from "node:net";
import type { Message } from "../../src/raft/message.ts";
import { encodeFrame, FrameReader } from "../../src/transport/frame.ts";
import { encodeHello, type Hello, parseHelloAnswer } from "../../src/transport/hello.ts";
import { parseFrame } from "../../src/transport/incoming-link.ts";
import { defaultLinkLimits } from "../../src/transport/limits.ts";
import { peerMessageToWire } from "../../src/transport/message-parser.ts";
import { orProtocolError, PeerProtocolError } from "../../src/transport/protocol-error.ts";

/** What became of what was sent. */
export interface Sent {
  readonly count: number;
  /** Longest time until the node had answered or closed. */
  readonly longestMs: number;
  /** Not answered and not closed within 5 s. */
  readonly hanging: number;
}

const patienceMs = 5_000;
const lanes = 16;

/** Numbers below a bound, repeated by their seed (xorshift32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  below(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state % bound;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError("there is nothing to pick from");
    return picked;
  }
}

/** One to four places changed, cut out, doubled or cut off. */
function mutated(bytes: Uint8Array, dice: Dice): Uint8Array {
  let result = [...bytes];
  for (let change = dice.below(4); change >= 0 && result.length > 0; change--) {
    const at = dice.below(result.length);
    const kind = dice.below(4);
    if (kind === 0) result[at] = dice.below(256);
    else if (kind === 1) result.splice(at, 1 + dice.below(8));
    else if (kind === 2) result.splice(at, 0, ...result.slice(at, at + dice.below(64)));
    else result = result.slice(0, at);
  }
  return Uint8Array.from(result);
}

const requests: readonly string[] = [
  "GET /key/a?level=stale HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "PUT /key/%61 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
  "PUT /key/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  'POST /key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"a":"b"}',
  'POST /join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{"id":"x",}[]',
  'DELETE /key/a HTTP/1.1\r\nHost: localhost\r\nIf-Match: "3"\r\nBalsa-Timeout: 5s\r\n\r\n',
  "GET /nothing/here?x=%zz HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n",
];

/** Each on a connection of its own, which says that nothing follows. */
export async function sendRequests(address: Address, count: number, dice: Dice): Promise<Sent> {
  const encoded = requests.map((text) => Buffer.from(text, "latin1"));
  return await inLanes(count, async () => {
    const socket = connect({ ...address, allowHalfOpen: true });
    socket.end(mutated(dice.pick(encoded), dice));
    return await endOf(socket);
  });
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Each after a proper hello, on a connection of its own. Not one of them can be read as a message. */
export async function sendFrames(address: Address, as: Omit<Hello, "from">, count: number, dice: Dice): Promise<Sent> {
  let lane = 0;
  return await inLanes(count, async () => {
    const from = `stranger-${lane++ % lanes}`;
    const frame = malformedFrame(from, as.to, dice);
    const socket = connect(address);
    if (!(await isWelcome(socket, { ...as, from }))) return patienceMs;
    socket.end(frame);
    return await endOf(socket);
  });
}

function malformedFrame(from: string, to: string, dice: Dice): Uint8Array {
  const keeper = {
    nodeId: to,
    clusterId: "",
    voteHoldMs: 0,
    expectedIncarnation: () => undefined,
    refuse: () => undefined,
  };
  for (;;) {
    const frame = encodeFrame([
      peerMessageToWire({ kind: "core", message: dice.pick(messages(from, to)), entries: undefined }),
    ]);
    const body = mutated(frame.subarray(4), dice);
    const readable = orProtocolError("messageMalformed", () =>
      parseFrame(body, from, { limits: defaultLinkLimits, keeper }),
    );
    if (!(readable instanceof PeerProtocolError)) continue;
    const framed = new Uint8Array(4 + body.byteLength);
    new DataView(framed.buffer).setUint32(0, dice.below(8) === 0 ? dice.below(2 ** 31) : body.byteLength);
    framed.set(body, 4);
    return framed;
  }
}

function messages(from: string, to: string): readonly Message[] {
  const envelope = { from, to, term: 1 };
  const entry = { kind: "command", term: 1, index: 2, time: 0, command: new Uint8Array(40) } as const;
  const append = {
    kind: "appendEntriesRequest",
    ...envelope,
    prevLogIndex: 1,
    prevLogTerm: 1,
    leaderCommit: 1,
  } as const;
  return [
    { ...append, entries: [entry, { ...entry, index: 3 }] },
    { kind: "heartbeatRequest", ...envelope, leaderCommit: 1, readRound: 0 },
    { kind: "preVoteRequest", committed: { index: 1, term: 1 }, ...envelope, lastLogIndex: 1, lastLogTerm: 1 },
    {
      kind: "forwardedProposal",
      ...envelope,
      proposalId: 1,
      proposal: { kind: "commands", commands: [new Uint8Array(9)] },
    },
    { kind: "readIndexRequest", ...envelope, readId: 1 },
  ];
}

async function isWelcome(socket: Socket, hello: Hello): Promise<boolean> {
  return await new Promise((resolve) => {
    const reader = new FrameReader(4096);
    const onData = (chunk: Buffer): void => {
      const [answer] = reader.push(chunk);
      if (answer === undefined) return;
      socket.off("data", onData);
      resolve(parseHelloAnswer(answer).accepted);
    };
    socket
      .on("data", onData)
      .on("error", () => resolve(false))
      .on("close", () => resolve(false));
    socket.write(encodeHello(hello));
  });
}

/** Milliseconds until the other side has closed. */
async function endOf(socket: Socket): Promise<number> {
  const startedAt = performance.now();
  return await new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    socket.on("error", () => undefined).on("end", () => socket.destroy());
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(performance.now() - startedAt);
    });
    socket.resume();
  });
}

async function inLanes(count: number, send: () => Promise<number>): Promise<Sent> {
  let [begun, longestMs, hanging] = [0, 0, 0];
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const tookMs = await send();
      longestMs = Math.max(longestMs, tookMs);
      if (tookMs >= patienceMs) hanging += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { count: begun, longestMs, hanging };
}
