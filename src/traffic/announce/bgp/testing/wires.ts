// The two ends of a connection without a network, for tests that move the clock by hand.
// Delivers at once and in order, or holds back what one end writes.

import type { Wire, WireHandlers } from '../session/wire.ts';
import { encodeMessage, readMessage } from '../wire/codec.ts';
import type { Message } from '../wire/message.ts';

export class TestWire implements Wire {
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Set by a test that plays a peer which reads nothing. */
  congested = false;
  closed = false;
  #handlers: WireHandlers | undefined;
  #early: Buffer[] = [];
  other!: TestWire;

  constructor(localAddress: string, remoteAddress: string) {
    this.localAddress = localAddress;
    this.remoteAddress = remoteAddress;
  }

  listen(handlers: WireHandlers): void {
    this.#handlers = handlers;
    for (const bytes of this.#early.splice(0)) handlers.data(bytes);
  }

  write(bytes: Buffer): void {
    this.other.deliver(bytes);
  }

  end(bytes?: Buffer): void {
    if (bytes !== undefined) this.write(bytes);
    this.drop();
  }

  drop(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handlers = undefined;
    this.other.hangUp();
  }

  drain(): void {
    this.congested = false;
    this.#handlers?.drained();
  }

  hangUp(): void {
    this.closed = true;
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.closed('Connection lost: the peer closed the connection');
  }

  deliver(bytes: Buffer): void {
    if (this.#handlers === undefined) this.#early.push(bytes);
    else this.#handlers.data(bytes);
  }
}

export function wirePair(one = '192.0.2.1', other = '192.0.2.2'): [TestWire, TestWire] {
  const [a, b] = [new TestWire(one, other), new TestWire(other, one)];
  a.other = b;
  b.other = a;
  return [a, b];
}

/** A peer that says what the test says, and keeps what it hears. */
export class Puppet {
  readonly heard: Message[] = [];
  closed = false;
  readonly wire: TestWire;
  readonly fourOctetAs: boolean;
  #unread: Buffer = Buffer.alloc(0);

  constructor(wire: TestWire, fourOctetAs = true) {
    this.wire = wire;
    this.fourOctetAs = fourOctetAs;
    wire.listen({
      data: (bytes) => this.#read(bytes),
      drained: () => {},
      closed: () => {
        this.closed = true;
      },
    });
  }

  say(...messages: readonly Message[]): void {
    for (const message of messages) this.wire.write(encodeMessage(message, this));
  }

  /** Types of what it has heard since the last call. */
  types(): string[] {
    return this.heard.splice(0).map(({ type }) => type);
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const read = readMessage(this.#unread, this);
      if (read.kind === 'partial') return;
      if (read.kind === 'fault') throw new Error(`The session sent what nobody can read: ${read.fault.words}`);
      this.#unread = this.#unread.subarray(read.length);
      this.heard.push(read.message);
    }
  }
}
