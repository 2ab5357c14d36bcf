/**
 * @module
 * What the watermark says, as bytes, and what it proves about a log.
 *
 * A slot: magic and version (4), sequence (u64), length of the body (u16), checksum (16) over all the rest,
 * body in CBOR.
 */

import { decode, encodePooled } from "../../codec/codec.ts";
import { assert } from "../../errors/assert.ts";
import type { EntryId, HardState, NodeId } from "../../raft/types.ts";
import type { NodeIdentity } from "../data-directory.ts";
import type { LogContents } from "../log/log-storage.ts";
import { checksum, checksumBytes, checksumText, readU64, writeU64 } from "../log/record.ts";

const magic: Buffer = Buffer.from([0xba, 0x15, 0xa0, 1]);
const sequenceOffset = 4;
const lengthOffset = 12;
const checksumOffset = 14;
const bodyOffset = 30;

/** Slots lie on pages of their own, so that no two share a torn write. */
export const slotBytes = 4096;

/** What has been durable: a log that holds less has lost it. */
export interface Mark {
  /** The last entry of the log, the log's start when there is none. */
  readonly last: EntryId;
  readonly hardState: HardState;
}

export interface Slot {
  /** From 1; the valid slot with the greatest counts. */
  readonly sequence: number;
  readonly mark: Mark;
  readonly identity: NodeIdentity;
}

type Body = readonly [
  lastIndex: number,
  lastTerm: number,
  currentTerm: number,
  votedFor: NodeId | null,
  nodeId: NodeId,
  clusterId: string,
  incarnation: string,
];

/** At most `slotBytes`. */
export function encodeSlot({ sequence, mark: { last, hardState }, identity }: Slot): Buffer {
  const body: Body = [
    last.index,
    last.term,
    hardState.currentTerm,
    hardState.votedFor,
    identity.nodeId,
    identity.clusterId,
    identity.incarnation,
  ];
  const encoded = encodePooled(body);
  assert(bodyOffset + encoded.byteLength <= slotBytes, "a watermark fits its slot");
  // From the pool, not zeroed: every byte is written below but the checksum's, which counts as zero.
  const slot = Buffer.allocUnsafe(bodyOffset + encoded.byteLength).fill(0, checksumOffset, bodyOffset);
  slot.set(magic);
  writeU64(slot, sequenceOffset, sequence);
  slot.writeUInt16BE(encoded.byteLength, lengthOffset);
  slot.set(encoded, bodyOffset);
  slot.write(checksumText(slot), checksumOffset, checksumBytes, "binary");
  return slot;
}

/** Null when the bytes do not verify: never written, torn, or damaged. */
export function decodeSlot(bytes: Buffer): Slot | null {
  if (bytes.byteLength < bodyOffset || !bytes.subarray(0, magic.byteLength).equals(magic)) return null;
  const end = bodyOffset + bytes.readUInt16BE(lengthOffset);
  if (bytes.byteLength < end) return null;
  const whole = Buffer.from(bytes.subarray(0, end));
  whole.fill(0, checksumOffset, bodyOffset);
  if (!checksum(whole).equals(bytes.subarray(checksumOffset, bodyOffset))) return null;
  const body = decode(whole.subarray(bodyOffset)) as Body;
  const [lastIndex, lastTerm, currentTerm, votedFor, nodeId, clusterId, incarnation] = body;
  return {
    sequence: readU64(bytes, sequenceOffset),
    mark: { last: { index: lastIndex, term: lastTerm }, hardState: { currentTerm, votedFor } },
    identity: { nodeId, clusterId, incarnation },
  };
}

/**
 * What the log lacks of what has been durable; null when nothing.
 *
 * A mark below the log's start proves nothing and contradicts nothing: a snapshot stands for it.
 */
export function findLoss({ last, hardState }: Mark, contents: LogContents): string | null {
  const held = contents.hardState;
  if (held.currentTerm < hardState.currentTerm) {
    return `it knows term ${held.currentTerm}, ${hardState.currentTerm} was durable`;
  }
  const isVoteLost = hardState.votedFor !== null && held.votedFor !== hardState.votedFor;
  if (held.currentTerm === hardState.currentTerm && isVoteLost) {
    return `its vote of term ${held.currentTerm} is ${held.votedFor ?? "for nobody"}, one for ${hardState.votedFor} was durable`;
  }
  if (contents.last.index < last.index) {
    return `it ends at ${contents.last.index}, entry ${last.index} was durable`;
  }
  if (last.index < contents.logStart.index) return null;
  const term = termAt(contents, last.index);
  return term === last.term ? null : `its entry ${last.index} is of term ${term}, one of term ${last.term} was durable`;
}

function termAt({ logStart, termRuns }: LogContents, index: number): number {
  if (index === logStart.index) return logStart.term;
  return termRuns.findLast(({ firstIndex }) => firstIndex <= index)?.term ?? logStart.term;
}
