// A socket to nf_tables: one transaction, or one listing, at a time, and what the kernel answers.
// Knows messages as bytes; what they say is others' matter.
import { inNetworkNamespace } from '#lib/sys/network-namespace.ts';
import { bindSocket, closeSocket, openSocket, receive, SOL_SOCKET, send, setSocketOption } from '#lib/sys/socket.ts';
import { HEADER_BYTES, LITTLE } from './message-bytes.ts';
import * as wire from './protocol.ts';

const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const KERNEL = { family: 'netlink', port: 0, groups: 0 } as const;
/** Answers to a transaction are small, and there is at most one a message. */
const ANSWER_ROOM = 4 * 1024 * 1024;
/** The kernel fills messages of a listing up to this much. */
const LONGEST_ANSWER = 65_536;
/** What a message takes in the kernel beyond its bytes. */
const OVERHEAD = 4_096;

/** A fault the kernel found: in which message, where in it, and its own words where it has some. */
export interface Refusal {
  readonly sequence: number;
  /** Negative error number. */
  readonly error: number;
  /** Bytes from the beginning of the message; 0 where it does not say. */
  readonly offset: number;
  readonly words: string;
}

export class NfnetlinkSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(LONGEST_ANSWER);
  #room = 0;

  /** `netns`: path of the network namespace to work in. Throws a SystemCallError. */
  constructor(netns: string | undefined) {
    const open = (): number => openSocket('netlink', 'raw', wire.NETLINK_NETFILTER);
    this.#fd = netns === undefined ? open() : inNetworkNamespace(netns, open);
    try {
      bindSocket(this.#fd, KERNEL);
      // Faults come without the message that they are about, which may be long, but with the place in it.
      setSocketOption(this.#fd, wire.SOL_NETLINK, wire.NETLINK_CAP_ACK, 1);
      setSocketOption(this.#fd, wire.SOL_NETLINK, wire.NETLINK_EXT_ACK, 1);
      setSocketOption(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, ANSWER_ROOM);
    } catch (error) {
      closeSocket(this.#fd);
      throw error;
    }
  }

  /**
   * Sends a transaction; the kernel does it within the call. Returns what it refused, first of all the first; nothing
   * is in force then. Throws where it could not be sent or was not answered.
   */
  transact(bytes: Uint8Array): readonly Refusal[] {
    this.#drain(() => undefined);
    // A transaction is one message to the socket, whatever its size.
    const needed = bytes.length + OVERHEAD;
    if (needed > this.#room) {
      setSocketOption(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, needed);
      this.#room = needed;
    }
    if (send(this.#fd, bytes, KERNEL) === undefined) throw new Error('the kernel has no room for the transaction');
    const refusals: Refusal[] = [];
    let answered = false;
    this.#drain((view, at, type) => {
      if (type !== wire.NLMSG_ERROR) return;
      answered = true;
      const refusal = readRefusal(view, at);
      if (refusal !== undefined) refusals.push(refusal);
    });
    if (!answered) throw new Error('the kernel did not answer the transaction');
    return refusals;
  }

  /**
   * Lists what `request` asks for: `visit` gets each answer's message, which is valid during the call only. Between the
   * kernel's portions others have a turn (`pause`). Answers whether the listing is of one moment. Throws what the
   * kernel refuses as a negative error number.
   */
  async list(
    request: Uint8Array,
    visit: (view: DataView, at: number, end: number) => void,
    pause: () => Promise<void>,
  ): Promise<boolean> {
    this.#drain(() => undefined);
    send(this.#fd, request, KERNEL);
    let [whole, done] = [true, false];
    while (!done) {
      const took = this.#drain((view, at, type, flags, end) => {
        if ((flags & wire.NLM_F_DUMP_INTR) !== 0) whole = false;
        if (type === wire.NLMSG_DONE) done = true;
        else if (type === wire.NLMSG_ERROR) throw new ListingError(view.getInt32(at + HEADER_BYTES, LITTLE));
        else visit(view, at, end);
      }, 1);
      if (took === 0) throw new Error('the kernel ended a listing early');
      if (!done) await pause();
    }
    return whole;
  }

  close(): void {
    closeSocket(this.#fd);
  }

  /** Reads what waits, at most `most` portions; returns how many there were. */
  #drain(
    visit: (view: DataView, at: number, type: number, flags: number, end: number) => void,
    most = Number.POSITIVE_INFINITY,
  ): number {
    for (let count = 0; count < most; count++) {
      const message = receive(this.#fd, this.#buffer);
      if (message === undefined) return count;
      const view = new DataView(this.#buffer.buffer, 0, message.bytes.length);
      for (let at = 0; at + HEADER_BYTES <= view.byteLength; ) {
        const length = view.getUint32(at, LITTLE);
        if (length < HEADER_BYTES || at + length > view.byteLength) break;
        visit(view, at, view.getUint16(at + 4, LITTLE), view.getUint16(at + 6, LITTLE), at + length);
        at += (length + 3) & ~3;
      }
    }
    return most;
  }
}

export class ListingError extends Error {
  readonly errno: number;

  constructor(error: number) {
    super(`the kernel refused a listing (${error})`);
    this.name = 'ListingError';
    this.errno = -error;
  }
}

/** `struct nlmsgerr`, then attributes; undefined for an acknowledgement. */
export function readRefusal(view: DataView, at: number): Refusal | undefined {
  const end = Math.min(at + view.getUint32(at, LITTLE), view.byteLength);
  if (end - at < 2 * HEADER_BYTES + 4) return undefined;
  const error = view.getInt32(at + HEADER_BYTES, LITTLE);
  if (error === 0) return undefined;
  const flags = view.getUint16(at + 6, LITTLE);
  const original = at + HEADER_BYTES + 4;
  const sequence = view.getUint32(original + 8, LITTLE);
  let [offset, words] = [0, ''];
  if ((flags & wire.NLM_F_ACK_TLVS) !== 0) {
    const body = (flags & wire.NLM_F_CAPPED) !== 0 ? HEADER_BYTES : view.getUint32(original, LITTLE);
    for (let place = original + 4 * Math.ceil(body / 4); place + 4 <= end; ) {
      const length = view.getUint16(place, LITTLE);
      if (length < 4 || place + length > end) break;
      const type = view.getUint16(place + 2, LITTLE) & 0x3fff;
      if (type === wire.NLMSGERR_ATTR_OFFS && length >= 8) offset = view.getUint32(place + 4, LITTLE);
      if (type === wire.NLMSGERR_ATTR_MSG) words = text(view, place + 4, place + length - 1);
      place += (length + 3) & ~3;
    }
  }
  return { sequence, error, offset, words };
}

function text(view: DataView, from: number, to: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + from, Math.max(0, to - from)));
}
