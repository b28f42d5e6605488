// One address and port of a Service at UDP: a session per client address and port, each with its own socket.
// Knows nothing of which addresses there should be; datagrams may be lost, so errors only end sessions.

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ServicePort } from '#traffic/model/ir.ts';
import type { EngineTarget } from '#traffic/snapshot/index.ts';
import type { AffinityTable } from '../services/affinity.ts';
import { chooseTarget, type ServiceContext } from '../services/context.ts';
import type { Timed } from '../sweeper.ts';

/** Milliseconds a session lives without a datagram: as Linux conntrack, longer once it was answered. */
const UNANSWERED = 30_000;
const ANSWERED = 120_000;
/** Sessions, each a socket, per bound address; further clients get no answer until one expires. */
const MAX_SESSIONS = 4096;

interface Session {
  readonly target: EngineTarget;
  readonly socket: Socket;
  answered: boolean;
  deadline: number;
}

export class UdpListener implements Timed {
  service: ServicePort;
  readonly #context: ServiceContext;
  readonly #affinity: AffinityTable;
  readonly #sessions = new Map<string, Session>();
  #socket: Socket | undefined;

  constructor(context: ServiceContext, service: ServicePort, affinity: AffinityTable) {
    this.#context = context;
    this.service = service;
    this.#affinity = affinity;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Resolves with the port; rejects with what binding threw. */
  listen(address: string, port: number): Promise<number> {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.on('message', (message, from) => this.#onMessage(message, from.address, from.port));
        this.#context.sweeper.add(this);
        resolve(socket.address().port);
      });
    });
  }

  /** Ends sessions whose endpoint does not serve any more: unlike a connection, a client would never notice. */
  onSnapshot(): void {
    const endpoints = this.#context.snapshot().cluster(this.service.cluster)?.endpoints ?? [];
    for (const [client, session] of this.#sessions) {
      const { address, port } = session.target;
      const serving = endpoints.some((e) => e.address === address && e.port === port && e.serving);
      if (!serving) this.#end(client, session);
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

  #onMessage(message: Buffer, address: string, port: number): void {
    const client = `${address} ${port}`;
    const session = this.#sessions.get(client) ?? this.#open(client, address, port);
    if (session === undefined) return;
    session.deadline = this.#context.now() + (session.answered ? ANSWERED : UNANSWERED);
    session.socket.send(message, session.target.port, session.target.address);
  }

  #open(client: string, address: string, port: number): Session | undefined {
    if (this.#sessions.size >= MAX_SESSIONS) return undefined;
    const target = chooseTarget(this.#context, this.service, this.#affinity, address, []);
    if (target === undefined) {
      this.#context.stats.udpOpened(this.service.name, 'no_endpoint');
      return undefined;
    }
    const socket = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    const session: Session = { target, socket, answered: false, deadline: 0 };
    socket.on('message', (reply, from) => {
      // Only the endpoint may answer; anybody else who guesses the port may not.
      if (from.port !== target.port || from.address !== target.address) return;
      session.answered = true;
      session.deadline = this.#context.now() + ANSWERED;
      this.#socket?.send(reply, port, address);
    });
    socket.on('error', () => this.#end(client, session));
    this.#sessions.set(client, session);
    this.#context.stats.udpOpened(this.service.name, 'connected');
    this.#context.stats.endpointBusy(target.key, 1);
    return session;
  }

  #end(client: string, session: Session): void {
    if (this.#sessions.get(client) !== session) return;
    this.#sessions.delete(client);
    session.socket.close();
    this.#context.stats.udpClosed(this.service.name);
    this.#context.stats.endpointBusy(session.target.key, -1);
  }
}
