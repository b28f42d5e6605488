// The sockets of BFD (RFC 5881, 5883): one for each family and kind that receives, one for each session that sends.
// Finds the session that a packet is for; knows nothing of BGP.
import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '#lib/clock.ts';
import type { BfdConfig } from '../config.ts';
import { addressFamily, addressKey, type Family } from '../wire/family.ts';
import { type BfdPacket, type BfdState, decodeBfd, encodeBfd } from './packet.ts';
import { bfdReceiver } from './receiver.ts';
import { BfdSession } from './session.ts';

const PORTS = { single: 3784, multi: 4784 } as const;
type Hops = keyof typeof PORTS;
/** Sources that RFC 5881, 4 allows. */
const FIRST_SOURCE = 49_152;
const SOURCES = 16_384;
const BIND_TRIES = 20;
/** Shows the receiver that no router lies between (RFC 5082). */
const TTL = 255;
/** Packets that say that this end stops: one may be lost. */
const FAREWELLS = 3;

export interface BfdTarget {
  readonly address: string;
  readonly localAddress?: string;
  readonly multihop: boolean;
}

export interface BfdHandle {
  readonly state: BfdState;
  readonly detectMs: number | undefined;
  close(): void;
}

interface Entry {
  readonly session: BfdSession;
  readonly peer: string;
  readonly hops: Hops;
  readonly socket: Socket;
}

export interface BfdServiceOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** A socket does not work: what that means, and for whom. */
  readonly failed: (problem: string) => void;
}

export class BfdService {
  readonly #options: BfdServiceOptions;
  readonly #entries = new Map<number, Entry>();
  readonly #receivers = new Map<string, Socket>();

  constructor(options: BfdServiceOptions) {
    this.#options = options;
  }

  /** `changed` hears of a new state or detection time, and whether the peer was lost by it. */
  open(target: BfdTarget, config: BfdConfig, changed: (failed: boolean) => void): BfdHandle {
    const { clock, random } = this.#options;
    const family = addressFamily(target.address);
    const hops: Hops = target.multihop ? 'multi' : 'single';
    this.#receive(family, hops);
    const socket = this.#sender(family, target.localAddress);
    let open = true;
    const session = new BfdSession({
      config,
      discriminator: this.#discriminator(),
      clock,
      random,
      changed: (_state, failed) => changed(failed),
      retimed: () => changed(false),
      send: (packet) => {
        // What cannot be sent is lost like any packet: the peer will notice, and that is the point.
        if (open) socket.send(encodeBfd(packet), PORTS[hops], target.address, () => {});
      },
    });
    this.#entries.set(session.discriminator, { session, peer: addressKey(target.address), hops, socket });
    socket.once('listening', () => {
      if (open) session.start();
    });
    return {
      get state() {
        return session.state;
      },
      get detectMs() {
        return session.detectMs;
      },
      close: () => {
        // A thread that ends waits for its last packets.
        socket.ref();
        for (let i = 0; i < FAREWELLS; i++) session.stop();
        open = false;
        this.#entries.delete(session.discriminator);
        // After what is on its way.
        socket.send(Buffer.alloc(0), PORTS[hops], target.address, () => socket.close());
      },
    };
  }

  close(): void {
    for (const socket of this.#receivers.values()) socket.close();
    this.#receivers.clear();
  }

  #discriminator(): number {
    for (;;) {
      const drawn = 1 + Math.floor(this.#options.random() * 0xffff_fffe);
      if (!this.#entries.has(drawn)) return drawn;
    }
  }

  #receive(family: Family, hops: Hops): void {
    const key = `${family} ${hops}`;
    if (this.#receivers.has(key)) return;
    const socket = bfdReceiver(family, PORTS[hops], hops === 'single');
    this.#receivers.set(key, socket);
    socket.unref();
    socket.on('error', (error) =>
      this.#options.failed(`Cannot receive BFD on UDP port ${PORTS[hops]}: ${error.message}`),
    );
    socket.on('message', (bytes, from) => {
      const packet = decodeBfd(bytes);
      if (packet === undefined) return;
      const entry = this.#entryOf(packet, addressKey(from.address), hops);
      entry?.session.receive(packet);
    });
  }

  #entryOf(packet: BfdPacket, from: string, hops: Hops): Entry | undefined {
    const fits = (entry: Entry | undefined): boolean => entry?.peer === from && entry.hops === hops;
    if (packet.yourDiscriminator === 0) return [...this.#entries.values()].find(fits);
    const entry = this.#entries.get(packet.yourDiscriminator);
    return fits(entry) ? entry : undefined;
  }

  #sender(family: Family, localAddress: string | undefined): Socket {
    const socket = createSocket(family === 'ipv6' ? 'udp6' : 'udp4');
    socket.unref();
    let tries = 0;
    const bind = (): void => {
      const port = FIRST_SOURCE + Math.floor(this.#options.random() * SOURCES);
      socket.bind({ port, exclusive: true, ...(localAddress === undefined ? {} : { address: localAddress }) });
    };
    socket.on('listening', () => socket.setTTL(TTL));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && ++tries < BIND_TRIES) bind();
      else this.#options.failed(`Cannot send BFD from ${localAddress ?? 'this machine'}: ${error.message}`);
    });
    bind();
    return socket;
  }
}
