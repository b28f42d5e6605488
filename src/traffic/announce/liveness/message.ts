// The heartbeat that speakers send each other, as bytes that only those with the key of the cluster can make.
// Pure but for the hash; knows no peer. Never throws at bytes.
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Heartbeat {
  /** Name of the sender's node. */
  readonly from: string;
  /** Of the sender's run, chosen by chance. */
  readonly run: bigint;
  /** Grows with every message of a run to a peer. */
  readonly sequence: number;
  /** The run of the receiver that the sender knows of; 0 for none. So an old message is good for nothing. */
  readonly answers: bigint;
  /** The sender goes, on purpose: it holds nothing from now on. */
  readonly leaving: boolean;
}

const MAGIC = Buffer.from('EKH1', 'latin1');
const MAC = 32;
/** Magic, flags, length of the name, run, sequence, run of the receiver. */
const HEADER = 4 + 1 + 1 + 8 + 8 + 8;
const LEAVING = 1;
/** Of a Node, in bytes. */
const LONGEST_NAME = 253;

export function encodeHeartbeat({ from, run, sequence, answers, leaving }: Heartbeat, key: Uint8Array): Buffer {
  const name = Buffer.from(from, 'utf8');
  if (name.length > LONGEST_NAME) throw new RangeError(`Node name "${from}" is longer than ${LONGEST_NAME} bytes`);
  const body = Buffer.alloc(HEADER + name.length);
  MAGIC.copy(body);
  body[4] = leaving ? LEAVING : 0;
  body[5] = name.length;
  body.writeBigUInt64BE(run, 6);
  body.writeBigUInt64BE(BigInt(sequence), 14);
  body.writeBigUInt64BE(answers, 22);
  name.copy(body, HEADER);
  return Buffer.concat([body, sign(body, key)]);
}

/** Undefined for what is none, or is not signed with the key. */
export function decodeHeartbeat(bytes: Uint8Array, key: Uint8Array): Heartbeat | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.length < HEADER + MAC || !all.subarray(0, 4).equals(MAGIC)) return undefined;
  const length = all[5] ?? 0;
  if (length > LONGEST_NAME || all.length !== HEADER + length + MAC) return undefined;
  const body = all.subarray(0, HEADER + length);
  if (!timingSafeEqual(sign(body, key), all.subarray(HEADER + length))) return undefined;
  const sequence = all.readBigUInt64BE(14);
  if (sequence > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return {
    from: body.toString('utf8', HEADER),
    run: all.readBigUInt64BE(6),
    sequence: Number(sequence),
    answers: all.readBigUInt64BE(22),
    leaving: ((all[4] ?? 0) & LEAVING) !== 0,
  };
}

function sign(body: Uint8Array, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(body).digest();
}
