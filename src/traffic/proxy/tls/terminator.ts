// Ends TLS on accepted sockets: runs handshakes, checks client certificates, and says how each came out.
// Knows nothing of HTTP; what it hands on is a TLS socket and what was agreed on.

import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { Listener } from '#traffic/model/ir.ts';
import type { TlsContext } from './server-contexts.ts';

/** Why no TLS connection came of it; a label of metrics. */
export type HandshakeFailure =
  | 'timeout'
  | 'crowded_out'
  | 'closed'
  | 'proxy_header'
  | 'client_hello'
  | 'plain_http'
  | 'no_certificate'
  /** Of TLS that passes through: nothing leads on from this server name. */
  | 'no_route'
  | 'protocol_version'
  | 'no_shared_cipher'
  | 'no_shared_protocol'
  | 'client_certificate_missing'
  | 'client_certificate_invalid'
  | 'other';

/** A connection whose handshake is over. */
export interface Secured {
  readonly socket: TLSSocket;
  /** The client's certificate, good by the listener's rules; undefined when it sent none, or was not asked. */
  readonly clientCertificate: X509Certificate | undefined;
}

interface Handshake {
  readonly listener: Listener;
  readonly secured: (secured: Secured) => void;
  readonly failed: (failure: HandshakeFailure) => void;
}

export class TlsTerminator {
  /** By the accepted socket. */
  readonly #handshakes = new WeakMap<Socket, Handshake>();
  readonly #prepared = new WeakSet<Server>();

  /** Takes a paused socket whose next bytes are a ClientHello; exactly one of the callbacks is called. */
  accept(
    socket: Socket,
    context: TlsContext,
    listener: Listener,
    secured: (secured: Secured) => void,
    failed: (failure: HandshakeFailure) => void,
  ): void {
    if (!this.#prepared.has(context.server)) this.#prepare(context.server);
    this.#handshakes.set(socket, { listener, secured, failed });
    context.server.emit('connection', socket);
  }

  #prepare(server: Server): void {
    this.#prepared.add(server);
    server.on('secureConnection', (socket: TLSSocket) => this.#onSecure(socket));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      socket.destroy();
      this.#take(socket)?.failed(failureOf(error, socket));
    });
  }

  #onSecure(socket: TLSSocket): void {
    const handshake = this.#take(socket);
    if (handshake === undefined) {
      socket.destroy();
      return;
    }
    const asked = handshake.listener.tls?.clientCertificates;
    const shown = asked === undefined ? undefined : socket.getPeerX509Certificate();
    // An optional certificate may be missing, but not bad; one that a resumed session brings may have run out since.
    const bad = shown !== undefined && (!socket.authorized || isOver(shown));
    const clientCertificate = bad ? undefined : shown;
    if (bad && asked?.mode !== 'unverified') {
      socket.destroy();
      handshake.failed('client_certificate_invalid');
      return;
    }
    handshake.secured({ socket, clientCertificate });
  }

  /** What is known of the accepted socket below `socket`; only once. */
  #take(socket: TLSSocket): Handshake | undefined {
    const below = (socket as TLSSocket & { _parent?: Socket })._parent;
    if (below === undefined) return undefined;
    const handshake = this.#handshakes.get(below);
    this.#handshakes.delete(below);
    return handshake;
  }
}

function isOver(certificate: X509Certificate): boolean {
  return certificate.validToDate.getTime() < Date.now();
}

const byCode: Readonly<Record<string, HandshakeFailure>> = {
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'protocol_version',
  ERR_SSL_VERSION_TOO_LOW: 'protocol_version',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'protocol_version',
  ERR_SSL_NO_SHARED_CIPHER: 'no_shared_cipher',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no_shared_cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'no_shared_protocol',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'client_certificate_missing',
};

function failureOf(error: NodeJS.ErrnoException, socket: TLSSocket): HandshakeFailure {
  // Node.js closes without an error of its own when it does not trust a required certificate.
  if (socket.authorizationError) return 'client_certificate_invalid';
  return byCode[error.code ?? ''] ?? 'other';
}
