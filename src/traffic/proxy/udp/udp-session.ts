// One client of a UDP listener: its own socket towards one endpoint, and the datagrams both ways.
// Knows nothing of other clients.

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Endpoint } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import type { ClusterGuard } from '../guards/cluster-guard.ts';

/** Longest datagram kept until the endpoint has answered, so that another one can be asked where it refuses. */
const MAX_KEPT = 2048;
/** Datagrams that wait for the socket; a client that sends more meanwhile loses them, as on any full queue. */
const MAX_WAITING = 16;

export interface SessionEvents {
  /** The endpoint says something, which is for the client. */
  reply(datagram: Buffer): void;
  /** Nobody listens there, or the socket is of no use: `unanswered` is what the endpoint did not take. */
  failed(unanswered: Buffer | undefined): void;
}

export class UdpSession {
  readonly cluster: ClusterEntry;
  readonly target: EngineTarget;
  /** Where it is counted; undefined where its cluster has no limits. */
  readonly guard: ClusterGuard | undefined;
  /** Monotonic milliseconds. */
  deadline = 0;
  answered = false;
  /** Those of the cluster among which the target was last looked for. */
  endpoints: readonly Endpoint[] | undefined;
  readonly #socket: Socket;
  readonly #events: SessionEvents;
  #ready = false;
  #over = false;
  #waiting: Buffer[] = [];
  #last: Buffer | undefined;

  constructor(cluster: ClusterEntry, target: EngineTarget, guard: ClusterGuard | undefined, events: SessionEvents) {
    this.cluster = cluster;
    this.guard = guard;
    this.target = target;
    this.#events = events;
    const socket = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    this.#socket = socket;
    // A connected socket hears of nobody else, and of ports that nobody listens on.
    socket.on('message', (datagram: Buffer) => {
      this.answered = true;
      this.#last = undefined;
      events.reply(datagram);
    });
    socket.on('error', () => this.#fail());
    // Called in both cases: with an error where no route leads to the endpoint.
    socket.connect(target.port, target.address, (failed?: Error) => {
      if (failed != null) this.#fail();
      else this.#onReady();
    });
  }

  send(datagram: Buffer): void {
    if (!this.answered) this.#last = datagram.length <= MAX_KEPT ? datagram : undefined;
    if (this.#ready) this.#write(datagram);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(datagram);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.close();
  }

  #onReady(): void {
    if (this.#over) return;
    this.#ready = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const datagram of waiting) this.#write(datagram);
  }

  #write(datagram: Buffer): void {
    this.#socket.send(datagram, (error) => {
      if (error !== null) this.#fail();
    });
  }

  #fail(): void {
    if (this.#over) return;
    this.close();
    this.#events.failed(this.#last);
  }
}
