// Opens and closes the gateway's HTTP and HTTPS listeners as the snapshot names them.
// Knows nothing of routes; every accepted socket becomes a ClientConnection.

import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContext, type TLSSocket } from 'node:tls';
import type { Listener } from '#traffic/model/ir.ts';
import { ClientConnection } from '../http/client-connection.ts';
import type { HttpContext } from '../http/context.ts';
import { clientFacts } from '../http1/compose.ts';
import { covers, type ServerContexts } from '../tls/server-contexts.ts';

export interface ListenReport {
  listening(name: string, address: string, port: number): void;
  failed(name: string, code: string, message: string): void;
}

interface Open {
  readonly listener: Listener;
  readonly server: Server;
}

export class GatewayListeners {
  readonly #context: HttpContext;
  readonly #contexts: ServerContexts;
  readonly #report: ListenReport;
  readonly #reusePort: boolean;
  readonly #open = new Map<string, Open>();
  readonly #connections = new Set<ClientConnection>();
  /** TLS handshakes under way have no ClientConnection yet. */
  readonly #sockets = new Set<Socket>();

  constructor(context: HttpContext, contexts: ServerContexts, report: ListenReport, reusePort: boolean) {
    this.#context = context;
    this.#contexts = contexts;
    this.#report = report;
    this.#reusePort = reusePort;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Makes what is open what the snapshot says; resolves once every new listener is bound or reported. */
  async reconcile(listeners: ReadonlyMap<string, Listener>): Promise<void> {
    const opening: Promise<void>[] = [];
    for (const [name, { listener, server }] of this.#open) {
      const wanted = listeners.get(name);
      if (wanted !== undefined && sameSocket(wanted, listener)) continue;
      this.#open.delete(name);
      server.close();
    }
    for (const listener of listeners.values()) {
      if (!this.#open.has(listener.name)) opening.push(this.#listen(listener));
    }
    await Promise.all(opening);
  }

  /** Accepts nobody any more; connections close after their answer. */
  drain(): void {
    for (const { server } of this.#open.values()) server.close();
    this.#open.clear();
    for (const connection of this.#connections) connection.drain();
  }

  close(): void {
    this.drain();
    for (const socket of this.#sockets) socket.destroy();
  }

  #listen(listener: Listener): Promise<void> {
    const server = listener.protocol === 'https' ? this.#tlsServer(listener) : this.#plainServer(listener);
    this.#open.set(listener.name, { listener, server });
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

  #plainServer(listener: Listener): Server {
    return createTcpServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
      this.#accept(listener, socket, undefined),
    );
  }

  #tlsServer(listener: Listener): Server {
    const server = createTlsServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: this.#context.limits.headTimeout,
        SNICallback: (serverName, done) => done(null, this.#contextFor(serverName)),
      },
      (socket) => this.#accept(listener, socket, socket),
    );
    server.on('connection', (socket: Socket) => this.#track(socket));
    // A failed handshake is the client's affair; its socket is closed by then.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#applyDefault(server);
    return server;
  }

  /** Clients without SNI get the default certificate as it is now. */
  refreshDefaults(): void {
    for (const { listener, server } of this.#open.values())
      if (listener.protocol === 'https') this.#applyDefault(server);
  }

  #applyDefault(server: Server): void {
    const certificate = this.#context.snapshot.certificate(undefined);
    const usable = certificate !== undefined && this.#contexts.of(certificate) !== undefined;
    // Without one the server keeps none: nobody may be shown a certificate that is gone.
    const pair = usable ? { cert: certificate.certificateChainPem, key: certificate.privateKeyPem.value } : {};
    (server as ReturnType<typeof createTlsServer>).setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
  }

  /** Undefined ends the handshake with an alert: nothing here may answer for that name. */
  #contextFor(serverName: string): SecureContext | undefined {
    const certificate = this.#context.snapshot.certificate(serverName.toLowerCase());
    return certificate === undefined ? undefined : this.#contexts.of(certificate);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // Until a ClientConnection takes over, an error only ends the socket.
    socket.on('error', () => socket.destroy());
  }

  #accept(listener: Listener, socket: Socket, tls: TLSSocket | undefined): void {
    const address = plainAddress(socket.remoteAddress);
    if (address === '') {
      socket.destroy();
      return;
    }
    const local = { address: plainAddress(socket.localAddress), port: socket.localPort ?? listener.port };
    const facts = clientFacts(address, tls === undefined ? 'http' : 'https', local, this.#context.isTrusted(address));
    const connection = new ClientConnection(this.#context, socket, {
      listener: listener.name,
      facts,
      misdirected: tls === undefined ? undefined : (host) => this.#isMisdirected(tls, host),
    });
    this.#connections.add(connection);
    if (tls === undefined) this.#track(connection.socket);
    connection.socket.on('close', () => this.#connections.delete(connection));
    if (this.#context.draining) connection.drain();
  }

  /** The client coalesced a host onto a connection whose certificate does not speak for it (RFC 9110, 15.5.20). */
  #isMisdirected(tls: TLSSocket, host: string): boolean {
    const serverName = tls.servername;
    if (typeof serverName !== 'string' || serverName === '' || serverName.toLowerCase() === host) return false;
    const certificate = this.#context.snapshot.certificate(serverName.toLowerCase());
    return certificate !== undefined && certificate.hostnames.length > 0 && !covers(certificate, host);
  }
}

function sameSocket(a: Listener, b: Listener): boolean {
  return a.address === b.address && a.port === b.port && a.protocol === b.protocol;
}

/** An IPv4 client of a dual-stack socket counts under its IPv4 address. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
