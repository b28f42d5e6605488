// An address and port of a Service at UDP: a session for each client address and port, ended by silence.
// Knows nothing of which fronts there should be; datagrams may be lost, so errors only end sessions.
import type { Socket } from 'node:dgram';
import { decide, type FrontContext, type FrontDuty, type OpenFront } from './front.ts';
import type { Place } from './sockets.ts';
import { UdpSession } from './udp-session.ts';

export class UdpFront implements OpenFront {
  readonly #context: FrontContext;
  /** By client, `address port`. */
  readonly #sessions = new Map<string, UdpSession>();
  /** Those never answered, oldest first: they make room when the place is full. */
  readonly #unanswered = new Map<string, UdpSession>();
  /** Nothing is sent to their endpoints any more; what those say still is on its way. */
  readonly #leaving = new Set<UdpSession>();
  #duty: FrontDuty;
  #socket: Socket | undefined;
  #fd: number | undefined;

  constructor(context: FrontContext, duty: FrontDuty) {
    this.#context = context;
    this.#duty = duty;
  }

  /** Sessions end with the front, so that nothing of it goes on. */
  get flows(): number {
    return 0;
  }

  async open(place: Place): Promise<void> {
    const { socket, fd } = await this.#context.sockets.datagrams(place, this.#duty.filter);
    this.#socket = socket;
    this.#fd = fd;
    socket.on('message', (datagram, from) => this.#onDatagram(datagram, from.address, from.port));
    // What could not be sent is lost, as any datagram may be.
    socket.on('error', () => {});
  }

  /** Sessions leave endpoints that serve no more, once there is another one: their clients would never notice. */
  change(duty: FrontDuty): void {
    const before = this.#duty;
    this.#duty = duty;
    if (duty.filter !== before.filter) this.#context.sockets.refilter(this.#fd, duty.filter);
    const { serving } = duty.chooser.rules;
    if (serving.size === 0) return;
    for (const [client, session] of this.#sessions) {
      if (serving.has(session.endpoint)) continue;
      this.#forget(client);
      session.leave();
      this.#leaving.add(session);
    }
  }

  sweep(now: number): void {
    for (const [client, session] of this.#sessions) if (now >= session.deadline) this.#end(client, session);
    for (const session of this.#leaving) if (now >= session.deadline) this.#close(session);
  }

  cut(): void {
    // Sessions end when their endpoint serves no more.
  }

  close(onIdle: () => void): void {
    this.destroy();
    onIdle();
  }

  destroy(): void {
    for (const [client, session] of this.#sessions) this.#end(client, session);
    for (const session of this.#leaving) this.#close(session);
    this.#socket?.close();
    this.#socket = undefined;
    this.#fd = undefined;
  }

  #onDatagram(datagram: Buffer, address: string, port: number): void {
    const client = `${address} ${port}`;
    const session = this.#sessions.get(client) ?? this.#begin(client, address, port, datagram.length);
    session?.send(datagram);
  }

  /** A session is opened by a datagram of its client only, so nobody can make an endpoint send to a stranger. */
  #begin(client: string, address: string, port: number, length: number): UdpSession | undefined {
    const { now, sockets } = this.#context;
    const { chooser } = this.#duty;
    const outcome = decide(this.#duty, address, this.#context);
    if (outcome.type === 'drop') return undefined;
    const endpoint = outcome.type === 'reject' ? undefined : chooser.choose(outcome.to, address, now());
    if (endpoint === undefined) {
      this.#refuse(address, port, length);
      return undefined;
    }
    if (!this.#hasRoom()) return undefined;
    let socket: Socket;
    try {
      socket = sockets.towards(endpoint.address);
    } catch {
      return undefined;
    }
    const session: UdpSession = new UdpSession(socket, endpoint, {
      now,
      reply: (answer) => {
        if (this.#unanswered.get(client) === session) this.#unanswered.delete(client);
        this.#socket?.send(answer, port, address);
      },
      failed: () => {
        if (this.#leaving.has(session)) {
          this.#close(session);
          return;
        }
        this.#end(client, session);
        // As the endpoint's own machine would have said it.
        this.#refuse(address, port, length);
      },
    });
    this.#sessions.set(client, session);
    this.#unanswered.set(client, session);
    this.#context.sessions.count++;
    return session;
  }

  #refuse(client: string, clientPort: number, length: number): void {
    const { family } = this.#duty.chooser.rules;
    const { address, port } = this.#duty.front;
    this.#context.unreachable.tell({ family, client, clientPort, address, port, length }, this.#context.now());
  }

  /** The oldest session that was never answered makes room: an invented client must not keep out a real one. */
  #hasRoom(): boolean {
    const { sessions } = this.#context;
    if (sessions.count < sessions.most) return true;
    for (const [client, session] of this.#unanswered) {
      this.#end(client, session);
      return true;
    }
    return false;
  }

  #end(client: string, session: UdpSession): void {
    if (this.#sessions.get(client) !== session) return;
    this.#forget(client);
    this.#close(session);
  }

  #forget(client: string): void {
    this.#sessions.delete(client);
    this.#unanswered.delete(client);
  }

  #close(session: UdpSession): void {
    this.#leaving.delete(session);
    this.#context.sessions.count--;
    session.close();
  }
}
