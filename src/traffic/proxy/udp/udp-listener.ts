// One UDP address and port: a session per client address and port.
// Knows nothing of which addresses there should be; datagrams may be lost, so errors only end sessions.

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Endpoint } from '#traffic/model/ir.ts';
import type { EngineTarget } from '#traffic/snapshot/index.ts';
import type { FlowContext, FlowOutcome, FlowRoute } from '../layer4/context.ts';
import { plainAddress } from '../listeners/peer.ts';
import type { Timed } from '../sweeper.ts';
import { failures } from '../upstream/failure.ts';
import { UdpSession } from './udp-session.ts';

/** Milliseconds a session lives that was never answered, as with Linux conntrack. */
const UNANSWERED = 30_000;
/** Endpoints tried for a session. */
const ATTEMPTS = 3;

export interface UdpListenerOptions {
  /** Sessions, each a socket, at a time. Left out: 4096. */
  readonly maxSessions?: number;
  /** Other workers listen on the same port; the kernel gives each client to one of them. */
  readonly reusePort?: boolean;
}

export class UdpListener implements Timed {
  readonly #context: FlowContext;
  readonly #route: FlowRoute;
  readonly #maxSessions: number;
  readonly #reusePort: boolean;
  /** By client, `address port`. */
  readonly #sessions = new Map<string, UdpSession>();
  /** Those never answered, oldest first: they make room when the place is full. */
  readonly #unanswered = new Map<string, UdpSession>();
  #socket: Socket | undefined;

  constructor(context: FlowContext, route: FlowRoute, options: UdpListenerOptions = {}) {
    this.#context = context;
    this.#route = route;
    this.#maxSessions = options.maxSessions ?? 4096;
    this.#reusePort = options.reusePort ?? false;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Resolves with the port; rejects with what binding threw. `''` is every address, of IPv4 too. */
  async listen(address: string, port: number): Promise<number> {
    if (address !== '') return this.#bind(address, port);
    try {
      return await this.#bind('::', port);
    } catch (error) {
      // A machine without IPv6.
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
      return this.#bind('0.0.0.0', port);
    }
  }

  #bind(address: string, port: number): Promise<number> {
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', reusePort: this.#reusePort });
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.on('message', (datagram, from) => this.#onDatagram(datagram, from.address, from.port));
        this.#context.sweeper.add(this);
        resolve(socket.address().port);
      });
    });
  }

  /** Ends sessions whose endpoint does not serve any more: unlike a connection, a client would never notice. */
  onSnapshot(): void {
    const snapshot = this.#context.snapshot();
    // Thousands of sessions may share thousands of endpoints, and snapshots change many times a second.
    const serving = new Map<readonly Endpoint[] | undefined, ReadonlySet<string>>();
    for (const [client, session] of this.#sessions) {
      const endpoints = snapshot.cluster(session.cluster.config.name)?.endpoints;
      if (endpoints === session.endpoints) continue;
      session.endpoints = endpoints;
      let keys = serving.get(endpoints);
      if (keys === undefined) {
        keys = new Set(endpoints?.filter((e) => e.serving).map((e) => `${e.address} ${e.port}`));
        serving.set(endpoints, keys);
      }
      if (!keys.has(`${session.target.address} ${session.target.port}`)) this.#end(client, session);
    }
  }

  onTick(now: number): void {
    for (const [client, session] of this.#sessions) if (now >= session.deadline) this.#end(client, session);
  }

  close(): void {
    this.#context.sweeper.remove(this);
    for (const [client, session] of this.#sessions) this.#end(client, session);
    this.#socket?.close();
    this.#socket = undefined;
  }

  destroy(): void {
    this.close();
  }

  #onDatagram(datagram: Buffer, address: string, port: number): void {
    const client = `${address} ${port}`;
    const session = this.#sessions.get(client) ?? this.#open(client, address, port, []);
    if (session === undefined) return;
    this.#touch(session);
    session.send(datagram);
  }

  /** A session is opened by a datagram of its client only, so nobody can make an endpoint send to a stranger. */
  #open(client: string, address: string, port: number, tried: readonly EngineTarget[]): UdpSession | undefined {
    const context = this.#context;
    const name = this.#route.pickCluster();
    const cluster = name === undefined ? undefined : context.snapshot().cluster(name);
    const target =
      cluster === undefined || tried.length >= ATTEMPTS
        ? undefined
        : this.#route.choose(cluster, plainAddress(address), tried, context.now());
    if (cluster === undefined || target === undefined) {
      return this.#refuse(tried.length === 0 ? 'no_endpoint' : 'connect_failed');
    }
    const guard = context.guards.of(cluster.config);
    if (guard?.allowsConnection() === false || !this.#hasRoom()) return this.#refuse('overflow');
    const begun = context.now();
    const session: UdpSession = new UdpSession(cluster, target, guard, {
      reply: (datagram) => {
        this.#unanswered.delete(client);
        this.#touch(session);
        this.#socket?.send(datagram, port, address);
      },
      failed: (datagram) => {
        if (!session.answered) context.outcomes.record(cluster, target, 0, failures.connect, context.now() - begun);
        this.#end(client, session);
        if (datagram === undefined || this.#socket === undefined) return;
        const next = this.#open(client, address, port, [...tried, target]);
        if (next === undefined) return;
        this.#touch(next);
        next.send(datagram);
      },
    });
    session.endpoints = cluster.endpoints;
    this.#sessions.set(client, session);
    this.#unanswered.set(client, session);
    guard?.add('connections', 1);
    context.stats.udpOpened(this.#route.name, 'connected');
    context.stats.endpointBusy(target.key, 1);
    return session;
  }

  #refuse(outcome: FlowOutcome): undefined {
    this.#context.stats.udpOpened(this.#route.name, outcome);
    return undefined;
  }

  /** The oldest session that was never answered makes room: an invented client must not keep out a real one. */
  #hasRoom(): boolean {
    if (this.#sessions.size < this.#maxSessions) return true;
    for (const [client, session] of this.#unanswered) {
      this.#end(client, session);
      return true;
    }
    return false;
  }

  #touch(session: UdpSession): void {
    const answered = session.cluster.config.timeouts.session ?? this.#route.sessionTimeout;
    session.deadline = this.#context.now() + (session.answered ? answered : Math.min(answered, UNANSWERED));
  }

  #end(client: string, session: UdpSession): void {
    if (this.#sessions.get(client) !== session) return;
    this.#sessions.delete(client);
    this.#unanswered.delete(client);
    session.close();
    session.guard?.add('connections', -1);
    session.guard?.wake();
    this.#context.stats.udpClosed(this.#route.name);
    this.#context.stats.endpointBusy(session.target.key, -1);
  }
}
