// Datagrams many at a time: one call of the kernel takes all that wait, and one sends all answers to them.
// Knows no protocol. Memory is laid out once; nothing is allocated for a datagram.
import { endianness } from 'node:os';
import { SystemCallError } from './errno.ts';
import { libc, libcObstacle } from './libc.ts';
import { bindSocket, closeSocket, localAddress, openSocket, SOL_SOCKET, setSocketOption } from './socket.ts';
import type { InternetAddress } from './socket-address.ts';
import { outcome } from './system-call.ts';

/** Datagrams of one call. */
export const BATCH = 32;
/** Bytes that a datagram and an answer may have; the rest of a longer one is lost. */
export const SLOT = 4096;

const DONT_WAIT = 0x40;
const AGAIN = 11;
const INTERRUPTED = 4;
/** struct mmsghdr on 64 bits, in words of 32: pointers take two. */
const WORDS = 16;
const word = { name: 0, nameLength: 2, iov: 4, iovLength: 6, control: 8, controlLength: 10, length: 14 } as const;
const NAME = 28;
const CONTROL = 64;

const SO_RCVBUF = 8;
const SO_SNDBUF = 7;
/** As much as the kernel lets anybody have (net.core.rmem_max) is taken of it: bursts wait there. */
const KERNEL_BUFFER = 4 * 1024 * 1024;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;

/** Why datagrams cannot be taken many at a time here, as a clause; undefined where they can. */
export function datagramBatchesObstacle(): string | undefined {
  const wide = ['x64', 'arm64', 'riscv64'].includes(process.arch) && endianness() === 'LE';
  return wide ? libcObstacle() : `the memory layout of "${process.arch}" is not known`;
}

/** Whom to answer later, when the batch has gone: an address, and the own one that was asked. */
export interface Peer {
  readonly name: Uint8Array;
  readonly control: Uint8Array;
}

/** One half: headers, what they point to, and the bytes themselves. */
class Slots {
  readonly bytes = Buffer.alloc(BATCH * SLOT);
  readonly headers = new Uint32Array(BATCH * WORDS);
  readonly memory = new Uint8Array(this.headers.buffer);
  readonly names = new Uint8Array(BATCH * NAME);
  readonly controls = new Uint8Array(BATCH * CONTROL);
  /** struct iovec: address and length, two words each. */
  readonly iov = new Uint32Array(BATCH * 4);

  constructor() {
    const { address } = libc();
    const [iov, bytes] = [address(new Uint8Array(this.iov.buffer)), address(this.bytes)];
    for (let at = 0; at < BATCH; at++) {
      this.point(at * WORDS + word.iov, this.headers, iov + BigInt(at * 16));
      this.headers[at * WORDS + word.iovLength] = 1;
      this.point(at * 4, this.iov, bytes + BigInt(at * SLOT));
      this.iov[at * 4 + 2] = SLOT;
    }
  }

  point(at: number, words: Uint32Array, address: bigint): void {
    words[at] = Number(address & 0xffffffffn);
    words[at + 1] = Number(address >> 32n);
  }
}

/**
 * A UDP socket. `receive` fills `received` with what waits; answers are written into `answers` one slot behind the
 * other (`answerAt`), each told of by `answer`, and `flush` sends them.
 */
export class DatagramBatches {
  readonly port: number;
  readonly #fd: number;
  readonly #in = new Slots();
  readonly #out = new Slots();
  /** Pairs of words: where the address and the control data of each received datagram lie. */
  readonly #names = new Uint32Array(BATCH * 2);
  readonly #controls = new Uint32Array(BATCH * 2);
  readonly #withControl: boolean;
  #answers = 0;
  #stop: (() => void) | undefined;

  /** Throws SystemCallError with what binding said. At `0.0.0.0` and `::` answers come from the address asked. */
  constructor(address: string, port: number) {
    const six = address.includes(':');
    this.#withControl = address === '0.0.0.0' || address === '::';
    this.#fd = openSocket(six ? 'inet6' : 'inet', 'datagram');
    try {
      setSocketOption(this.#fd, SOL_SOCKET, SO_RCVBUF, KERNEL_BUFFER);
      setSocketOption(this.#fd, SOL_SOCKET, SO_SNDBUF, KERNEL_BUFFER);
      if (six) setSocketOption(this.#fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      if (this.#withControl)
        setSocketOption(this.#fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
      bindSocket(this.#fd, { family: 'inet', address, port });
      this.port = (localAddress(this.#fd) as InternetAddress).port;
    } catch (error) {
      closeSocket(this.#fd);
      throw error;
    }
    const { address: addressOf } = libc();
    const [names, controls] = [addressOf(this.#in.names), addressOf(this.#in.controls)];
    for (let at = 0; at < BATCH; at++) {
      this.#in.point(at * 2, this.#names, names + BigInt(at * NAME));
      this.#in.point(at * 2, this.#controls, controls + BigInt(at * CONTROL));
    }
  }

  /** The datagrams, `SLOT` bytes for each. */
  get received(): Buffer {
    return this.#in.bytes;
  }

  lengthOf(at: number): number {
    return this.#in.headers[at * WORDS + word.length] as number;
  }

  get answers(): Buffer {
    return this.#out.bytes;
  }

  /** Where the next answer is to be written. */
  get answerAt(): number {
    return this.#answers * SLOT;
  }

  /** How many came; 0 when none waits. Throws SystemCallError. */
  receive(): number {
    const { headers, memory } = this.#in;
    for (let at = 0; at < BATCH; at++) {
      const header = at * WORDS;
      headers[header + word.name] = this.#names[at * 2] as number;
      headers[header + word.name + 1] = this.#names[at * 2 + 1] as number;
      headers[header + word.nameLength] = NAME;
      if (!this.#withControl) continue;
      headers[header + word.control] = this.#controls[at * 2] as number;
      headers[header + word.control + 1] = this.#controls[at * 2 + 1] as number;
      headers[header + word.controlLength] = CONTROL;
    }
    const count = outcome(libc().recvmmsg(this.#fd, memory, BATCH, DONT_WAIT, null));
    if (count === -AGAIN || count === -INTERRUPTED) return 0;
    if (count < 0) throw new SystemCallError('recvmmsg', -count);
    return count;
  }

  /** The answer to datagram `at` has `length` bytes and stands at `answerAt`. */
  answer(at: number, length: number): void {
    const from = at * WORDS;
    const to = this.#answers * WORDS;
    const { headers, iov } = this.#out;
    headers[to + word.name] = this.#names[at * 2] as number;
    headers[to + word.name + 1] = this.#names[at * 2 + 1] as number;
    headers[to + word.nameLength] = this.#in.headers[from + word.nameLength] as number;
    if (this.#withControl) {
      this.#forgetInterface(at * CONTROL);
      headers[to + word.control] = this.#controls[at * 2] as number;
      headers[to + word.control + 1] = this.#controls[at * 2 + 1] as number;
      headers[to + word.controlLength] = this.#in.headers[from + word.controlLength] as number;
    }
    iov[this.#answers * 4 + 2] = length;
    this.#answers += 1;
  }

  /** Sends the answers; how many could not be sent: their clients have to ask again. */
  flush(): number {
    const { headers, memory } = this.#out;
    const count = this.#answers;
    this.#answers = 0;
    let done = 0;
    let lost = 0;
    while (done < count) {
      const rest = done === 0 ? memory : memory.subarray(done * WORDS * headers.BYTES_PER_ELEMENT);
      const sent = outcome(libc().sendmmsg(this.#fd, rest, count - done, DONT_WAIT));
      if (sent === -INTERRUPTED) continue;
      if (sent === -AGAIN) return lost + count - done;
      // It speaks of the first alone: no way leads there.
      if (sent <= 0) lost += 1;
      done += Math.max(1, sent);
    }
    return lost;
  }

  /** To answer a datagram of this batch after the next one has been received. */
  peer(at: number): Peer {
    const { headers, names, controls } = this.#in;
    if (this.#withControl) this.#forgetInterface(at * CONTROL);
    const nameLength = headers[at * WORDS + word.nameLength] as number;
    const controlLength = this.#withControl ? (headers[at * WORDS + word.controlLength] as number) : 0;
    return {
      name: names.slice(at * NAME, at * NAME + nameLength),
      control: controls.slice(at * CONTROL, at * CONTROL + controlLength),
    };
  }

  /** False when it could not be sent. Not between `answer` and `flush`. */
  sendTo(peer: Peer, bytes: Uint8Array): boolean {
    if (bytes.length > SLOT) return false;
    const { headers, iov, names, controls } = this.#out;
    this.#out.bytes.set(bytes, 0);
    names.set(peer.name, 0);
    controls.set(peer.control, 0);
    const { address } = libc();
    this.#out.point(word.name, headers, address(names));
    headers[word.nameLength] = peer.name.length;
    this.#out.point(word.control, headers, peer.control.length === 0 ? 0n : address(controls));
    headers[word.controlLength] = peer.control.length;
    iov[2] = bytes.length;
    this.#answers = 1;
    return this.flush() === 0;
  }

  /** Calls `listener` from the event loop whenever something waits. Does not keep the process alive. */
  watch(listener: () => void): void {
    this.#stop = libc().watchReadable(this.#fd, listener);
  }

  close(): void {
    this.#stop?.();
    closeSocket(this.#fd);
  }

  /** The way back is the routes' to choose; only the own address counts (struct in_pktinfo, in6_pktinfo). */
  #forgetInterface(control: number): void {
    const { controls } = this.#in;
    const six = controls[control + 8] === IPPROTO_IPV6;
    // An address of a link means nothing without the link.
    if (six && controls[control + 16] === 0xfe) return;
    controls.fill(0, control + (six ? 32 : 16), control + (six ? 36 : 20));
  }
}
