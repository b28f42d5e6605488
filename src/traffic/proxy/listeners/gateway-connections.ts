// Every connection of the gateway, from accept to close: what its listener is decides what it becomes.
// Knows nothing of requests. PROXY header first, then TLS, then HTTP or plain bytes.

import type { Socket } from 'node:net';
import type { Listener } from '#traffic/model/ir.ts';
import type { Layer4Route } from '#traffic/snapshot/index.ts';
import { type AddressList, addressList } from '../address-list.ts';
import { type AcceptedClient, ClientConnection } from '../http/client-connection.ts';
import type { HttpContext } from '../http/context.ts';
import { clientFacts } from '../http1/compose.ts';
import type { FlowContext } from '../layer4/context.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import { TcpFlow } from '../tcp/tcp-flow.ts';
import { forwardedCertificate } from '../tls/client-certificate.ts';
import type { ClientHello } from '../tls/client-hello.ts';
import { isMisdirected } from '../tls/misdirected.ts';
import type { ServerContexts, TlsContext } from '../tls/server-contexts.ts';
import { type HandshakeFailure, type Secured, TlsTerminator } from '../tls/terminator.ts';
import type { ConnectionTaker } from '../workers/gateway-listeners.ts';
import { type ArrivalFailure, Arrivals } from './arrivals.ts';
import { farewell } from './farewell.ts';
import { FrontConnections, seenBy } from './front-connections.ts';
import { gatewayRoute } from './gateway-route.ts';
import { plainAddress, socketPair } from './peer.ts';

export interface TlsStats {
  /** `version` as OpenSSL names it: `TLSv1.3`. */
  handshake(listener: string, version: string, resumed: boolean): void;
  handshakeFailed(listener: string, reason: HandshakeFailure): void;
}

export class GatewayConnections implements ConnectionTaker {
  readonly #context: HttpContext;
  readonly #flowContext: FlowContext;
  readonly #contexts: ServerContexts;
  readonly #stats: TlsStats;
  readonly #arrivals: Arrivals;
  readonly #terminator = new TlsTerminator();
  readonly #http = new Set<ClientConnection>();
  readonly #fronts: FrontConnections;
  #handshakes = 0;
  readonly #flows = new Set<TcpFlow>();
  /** Handshakes under way have no ClientConnection yet. */
  readonly #sockets = new Set<Socket>();
  /** Trusted peers by listener, as long as its settings stay. */
  readonly #proxies = new WeakMap<Listener, AddressList>();

  constructor(context: HttpContext, flowContext: FlowContext, contexts: ServerContexts, stats: TlsStats) {
    this.#context = context;
    this.#flowContext = flowContext;
    this.#contexts = contexts;
    this.#stats = stats;
    this.#fronts = new FrontConnections(() => context.snapshot);
    const { headTimeout, handshakes } = context.limits;
    this.#arrivals = new Arrivals({ timeout: headTimeout, most: handshakes }, () => context.now(), context.sweeper);
  }

  get size(): number {
    return this.#http.size + this.#arrivals.size + this.#handshakes + this.#flows.size;
  }

  accept(listener: Listener, socket: Socket): void {
    const peer = socketPair(socket);
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    if (listener.front !== undefined) {
      // Who may not come in hears what nobody listening would say.
      if (!this.#fronts.letsIn(listener.front, peer.source.address)) socket.resetAndDestroy();
      else if (!this.routes(listener, socket)) this.#passOn(listener, socket, peer, undefined);
      else this.#serveHttp(listener, socket, seenBy(peer, listener.front), undefined);
      return;
    }
    const proxyHeader = this.#expectsProxyHeader(listener, peer);
    const clientHello = listener.protocol === 'https' || listener.protocol === 'tls';
    if (!proxyHeader && !clientHello) {
      this.#dispatch(listener, socket, peer, undefined);
      return;
    }
    this.#arrivals.begin(
      socket,
      { proxyHeader, clientHello },
      {
        arrived: (arrived, pair, hello) => this.#dispatch(listener, arrived, pair ?? peer, hello),
        failed: (arrived, failure) => this.#failed(listener, arrived, failure),
      },
    );
  }

  /** Whether a front would look into what this client sends; it carries the bytes of others. */
  routes({ front }: Listener, socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress);
    return front !== undefined && !this.#fronts.carries(front, address);
  }

  /** The listener is gone: its HTTP connections are asked to go too. */
  removed(name: string): void {
    for (const connection of this.#http) if (connection.listener === name) connection.drain();
  }

  /** Fronts have come, gone, or tell clients apart otherwise: connections that would be served otherwise now end. */
  onFronts(): void {
    this.#fronts.settle();
  }

  /** HTTP connections close after their answer; those under way come in and close then. */
  drain(): void {
    for (const connection of this.#http) connection.drain();
  }

  close(): void {
    this.#arrivals.close();
    this.drain();
    for (const socket of this.#sockets) socket.destroy();
    for (const flow of this.#flows) flow.destroy();
  }

  #expectsProxyHeader(listener: Listener, { source }: SocketPair): boolean {
    if (listener.proxyProtocolFrom === undefined) return false;
    let proxies = this.#proxies.get(listener);
    if (proxies === undefined) {
      proxies = addressList(listener.proxyProtocolFrom);
      this.#proxies.set(listener, proxies);
    }
    return proxies.has(source.address);
  }

  #dispatch(listener: Listener, socket: Socket, pair: SocketPair, hello: ClientHello | undefined): void {
    if (listener.protocol === 'http') this.#serveHttp(listener, socket, pair, undefined);
    else if (listener.protocol === 'https' && hello !== undefined) this.#overTls(listener, socket, pair, hello);
    else this.#passOn(listener, socket, pair, hello);
  }

  /** Requests, unless the server name is one of those that are passed on. */
  #overTls(listener: Listener, socket: Socket, pair: SocketPair, hello: ClientHello): void {
    const route =
      listener.passthrough === undefined
        ? undefined
        : this.#context.snapshot.layer4Route(listener.name, hello.serverName);
    if (route !== undefined && route.clusters.length > 0) this.#passOn(listener, socket, pair, hello);
    else
      this.#secure(listener, socket, hello, (tls, secured) =>
        this.#serveHttp(listener, secured.socket, pair, { hello, tls, secured }),
      );
  }

  /** Carries bytes to an endpoint; those of TLS as they are, by the server name in its first message. */
  #passOn(listener: Listener, socket: Socket, pair: SocketPair, hello: ClientHello | undefined): void {
    const route = this.#context.snapshot.layer4Route(listener.name, hello?.serverName ?? '');
    if (route === undefined) {
      if (hello !== undefined) this.#stats.handshakeFailed(listener.name, 'no_route');
      farewell(socket, hello === undefined ? 'closed' : 'no_route');
      return;
    }
    if (route.terminates && hello !== undefined) {
      this.#secure({ ...listener, protocol: 'tls' }, socket, hello, (_tls, secured) => {
        // What is decrypted while an endpoint is dialled waits, all of it.
        secured.socket.pause();
        this.#carry(route, secured.socket, pair);
      });
    } else this.#carry(route, socket, pair);
  }

  #carry(route: Layer4Route, socket: Socket, pair: SocketPair): void {
    const flow: TcpFlow = new TcpFlow(this.#flowContext, gatewayRoute(route), socket, pair, () =>
      this.#flows.delete(flow),
    );
    this.#flows.add(flow);
    flow.start();
  }

  #failed(listener: Listener, socket: Socket, failure: ArrivalFailure): void {
    if (listener.protocol === 'https' || listener.protocol === 'tls')
      this.#stats.handshakeFailed(listener.name, failure);
    farewell(socket, failure);
  }

  #secure(
    listener: Listener,
    socket: Socket,
    hello: ClientHello,
    serve: (tls: TlsContext, secured: Secured) => void,
  ): void {
    const name = hello.serverName === '' ? undefined : hello.serverName;
    const certificates = this.#context.snapshot.certificatesFor(listener.name, name);
    const tls = this.#contexts.of(certificates, listener);
    if (tls === undefined) {
      this.#stats.handshakeFailed(listener.name, 'no_certificate');
      farewell(socket, 'no_certificate');
      return;
    }
    this.#track(socket);
    this.#handshakes++;
    this.#terminator.accept(
      socket,
      tls,
      listener,
      (secured) => {
        this.#handshakes--;
        const version = secured.socket.getProtocol() ?? '';
        this.#stats.handshake(listener.name, version, secured.socket.isSessionReused());
        serve(tls, secured);
      },
      (failure) => {
        this.#handshakes--;
        this.#stats.handshakeFailed(listener.name, failure);
      },
    );
  }

  #serveHttp(
    listener: Listener,
    socket: Socket,
    pair: SocketPair,
    secure: { readonly hello: ClientHello; readonly tls: TlsContext; readonly secured: Secured } | undefined,
  ): void {
    const { address } = pair.source;
    const { front } = listener;
    const certificate = secure?.secured.clientCertificate;
    const forward = listener.tls?.clientCertificates?.forward ?? true;
    const facts = clientFacts(pair, secure === undefined ? 'http' : 'https', {
      // Whoever calls a Service does not know of a proxy: what it says of its own clients is not taken away.
      trusted: front !== undefined || this.#context.isTrusted(address),
      forwarded: this.#context.forwarded,
      certificateLine: certificate !== undefined && forward ? forwardedCertificate(certificate) : '',
    });
    const connection = new ClientConnection(this.#context, socket, {
      listener: front === undefined ? listener.name : this.#fronts.hostsOf(front, address),
      facts,
      http2: spokenHttp2(listener, secure?.secured.socket.alpnProtocol),
      misdirected:
        secure === undefined
          ? undefined
          : (host) =>
              isMisdirected(host, secure.hello.serverName, secure.tls.certificates, listener, this.#context.snapshot),
    });
    this.#http.add(connection);
    if (front !== undefined) this.#fronts.add(connection, front.name, address);
    if (secure === undefined) this.#track(connection.socket);
    connection.socket.on('close', () => this.#http.delete(connection));
    if (this.#context.draining) connection.drain();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // Every error is followed by `close`.
    socket.on('error', () => socket.destroy());
  }
}

function spokenHttp2(listener: Listener, alpn: string | false | null | undefined): AcceptedClient['http2'] {
  if (listener.http2 === false) return 'no';
  // Without TLS there was nothing to agree on.
  if (alpn === undefined) return 'preface';
  return alpn === 'h2' ? 'agreed' : 'no';
}
