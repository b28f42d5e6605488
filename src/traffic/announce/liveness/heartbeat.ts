// Speakers of a cluster tell each other that they are alive: small messages over UDP, several a second.
// Knows sockets, a key and names of nodes; what a death means is for others to say.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Liveness } from './liveness.ts';
import { DEFAULT_TIMES, type Due, Members, type Peer, type Times } from './members.ts';
import { decodeHeartbeat, encodeHeartbeat } from './message.ts';

export interface HeartbeatOptions {
  /** Name of this node. */
  readonly name: string;
  /** Of all speakers of the cluster, and of nobody else. */
  readonly key: Uint8Array;
  /** UDP; the same on all nodes. */
  readonly port: number;
  readonly times?: Times;
  readonly clock: Clock;
  /** Somebody is alive now, or no more. */
  readonly onChange: () => void;
  /** This process stood still so long that others may have taken it for dead. */
  readonly onPause: (ms: number) => void;
  /** So many messages that no speaker of this cluster has sent. */
  readonly onRefused?: (count: number) => void;
  /** While it says no, nothing is said to anybody: this node cannot do what others count on. */
  readonly isFit?: () => boolean;
}

/** Looked at so many times an interval: a death is seen that much sooner. */
const TICKS_PER_INTERVAL = 3;
/** A good-bye may be lost. */
const GOODBYES = 3;

export class Heartbeats implements Liveness {
  readonly #options: HeartbeatOptions;
  readonly #times: Times;
  readonly #run: bigint;
  readonly #members: Members;
  readonly #sockets: Readonly<Record<4 | 6, Socket | undefined>>;
  readonly #stop: Cancel;
  #leaving = false;
  #closed = false;
  #refused = 0;

  private constructor(options: HeartbeatOptions, sockets: Readonly<Record<4 | 6, Socket | undefined>>) {
    this.#options = options;
    this.#times = options.times ?? DEFAULT_TIMES;
    const { clock } = options;
    this.#run = randomBytes(8).readBigUInt64BE() || 1n;
    this.#members = new Members(this.#run, this.#times, clock.now());
    this.#sockets = sockets;
    for (const socket of Object.values(sockets)) {
      socket?.on('message', (bytes) => this.#hear(bytes));
      // Nobody listens there, or there is no way: the silence says it.
      socket?.on('error', () => {});
    }
    this.#stop = clock.every(this.#times.everyMs / TICKS_PER_INTERVAL, () => this.#tick());
  }

  /** Rejects when the port cannot be had. */
  static async open(options: HeartbeatOptions): Promise<Heartbeats> {
    const four = await bind('udp4', '0.0.0.0', options.port);
    try {
      return new Heartbeats(options, { 4: four, 6: await bind('udp6', '::', options.port) });
    } catch (error) {
      // A machine may have no IPv6.
      if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')) {
        four.close();
        throw error;
      }
      return new Heartbeats(options, { 4: four, 6: undefined });
    }
  }

  isAlive(node: string): boolean {
    return this.#members.isAlive(node);
  }

  get alivePeers(): string[] {
    return this.#members.alive.sort();
  }

  /** How many others were heard since this one started and did not say good-bye, whether or not they are alive now. */
  get proved(): number {
    return this.#members.proved;
  }

  /** Names of those of them that fell silent and count as dead. */
  get dead(): string[] {
    return this.#members.dead;
  }

  /** Those of them that said nothing for `ms` milliseconds, dead or about to be. */
  unheard(ms: number): Peer[] {
    return this.#members.unheard(ms, this.#options.clock.now());
  }

  get refused(): number {
    return this.#refused;
  }

  setPeers(peers: readonly Peer[]): void {
    this.#members.setPeers(
      peers.filter(({ name }) => name !== this.#options.name),
      this.#options.clock.now(),
    );
    this.#tick();
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    for (let count = 0; count < GOODBYES; count++) {
      for (const due of this.#members.toAll()) this.#send(due);
      await new Promise<void>((resolve) => this.#options.clock.after(10, resolve));
    }
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    for (const socket of Object.values(this.#sockets)) socket?.close();
  }

  #tick(): void {
    const { due, changed, pausedMs } = this.#members.tick(this.#options.clock.now());
    for (const one of due) this.#send(one);
    if (pausedMs >= this.#times.deadMs - this.#times.everyMs) this.#options.onPause(pausedMs);
    if (changed) this.#options.onChange();
  }

  #hear(bytes: Uint8Array): void {
    const message = decodeHeartbeat(bytes, this.#options.key);
    if (message === undefined) {
      this.#refused += 1;
      this.#options.onRefused?.(this.#refused);
      return;
    }
    const { changed, reply } = this.#members.hear(message, this.#options.clock.now());
    if (reply !== undefined) this.#send(reply);
    if (changed) this.#options.onChange();
  }

  #send({ address, sequence, answers }: Due): void {
    const { name, key, port, isFit } = this.#options;
    if (this.#closed || isFit?.() === false) return;
    const message = encodeHeartbeat({ from: name, run: this.#run, sequence, answers, leaving: this.#leaving }, key);
    this.#sockets[isIPv6(address) ? 6 : 4]?.send(message, port, address, () => {});
  }
}

function bind(type: 'udp4' | 'udp6', address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
