// Opens and closes the gateway's listeners as the snapshot names them, and gives each connection to who serves it.
// Knows nothing of routes or bytes; what a listener does with a connection stands in `listeners/`.

import { createServer, type Server, type Socket } from 'node:net';
import type { Listener } from '#traffic/model/ir.ts';

export interface ListenReport {
  listening(name: string, address: string, port: number): void;
  failed(name: string, code: string, message: string): void;
}

/** What takes the connections of a kind of listener. */
export interface ConnectionTaker {
  /** `socket` is paused and unread. */
  accept(listener: Listener, socket: Socket): void;
  /** The listener is there no more. */
  removed(name: string): void;
}

/** What serves a UDP listener. */
export interface DatagramServer {
  /** Resolves with the port; rejects with what binding threw. */
  listen(address: string, port: number): Promise<number>;
  /** The model has changed. */
  onSnapshot(): void;
  close(): void;
}

interface Open {
  /** As last published: settings that need no other socket apply to the next connection. */
  listener: Listener;
  readonly server: Server | DatagramServer;
}

export class GatewayListeners {
  readonly #taker: ConnectionTaker;
  readonly #datagrams: (listener: Listener) => DatagramServer;
  readonly #report: ListenReport;
  readonly #reusePort: boolean;
  readonly #open = new Map<string, Open>();

  constructor(
    taker: ConnectionTaker,
    datagrams: (listener: Listener) => DatagramServer,
    report: ListenReport,
    reusePort: boolean,
  ) {
    this.#taker = taker;
    this.#datagrams = datagrams;
    this.#report = report;
    this.#reusePort = reusePort;
  }

  /** Makes what is open what the snapshot says; resolves once every new listener is bound or reported. */
  async reconcile(listeners: ReadonlyMap<string, Listener>): Promise<void> {
    const opening: Promise<void>[] = [];
    for (const [name, open] of this.#open) {
      const wanted = listeners.get(name);
      if (wanted !== undefined && sameSocket(wanted, open.listener)) {
        open.listener = wanted;
        continue;
      }
      this.#open.delete(name);
      open.server.close();
      // One that moves keeps its connections.
      if (wanted === undefined) this.#taker.removed(name);
    }
    for (const listener of listeners.values()) {
      if (this.#open.has(listener.name)) continue;
      opening.push(listener.protocol === 'udp' ? this.#listenUdp(listener) : this.#listen(listener));
    }
    await Promise.all(opening);
    for (const { server } of this.#open.values()) if ('onSnapshot' in server) server.onSnapshot();
  }

  /** Accepts nobody any more. */
  close(): void {
    for (const { server } of this.#open.values()) server.close();
    this.#open.clear();
  }

  async #listenUdp(listener: Listener): Promise<void> {
    const server = this.#datagrams(listener);
    this.#open.set(listener.name, { listener, server });
    try {
      const port = await server.listen(listener.address, listener.port);
      this.#report.listening(listener.name, listener.address, port);
    } catch (error) {
      this.#open.delete(listener.name);
      const { code = '', message } = error as NodeJS.ErrnoException;
      this.#report.failed(listener.name, code, message);
    }
  }

  #listen(listener: Listener): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
      this.#taker.accept(open.listener, socket),
    );
    const open: Open = { listener, server };
    this.#open.set(listener.name, open);
    return new Promise((resolve) => {
      server.on('error', (error: NodeJS.ErrnoException) => {
        this.#open.delete(listener.name);
        this.#report.failed(listener.name, error.code ?? '', error.message);
        resolve();
      });
      const host = listener.address === '' ? undefined : listener.address;
      server.listen({ port: listener.port, host, backlog: 1024, reusePort: this.#reusePort }, () => {
        const bound = server.address();
        if (bound !== null && typeof bound === 'object')
          this.#report.listening(listener.name, bound.address, bound.port);
        resolve();
      });
    });
  }
}

function sameSocket(a: Listener, b: Listener): boolean {
  return a.address === b.address && a.port === b.port && a.protocol === b.protocol;
}
