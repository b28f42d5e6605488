// Opens the connections to endpoints: the one place that knows what stands between a socket and a protocol.
// Knows nothing of requests; what is written before a connection stands waits for it.

import { connect, Socket } from 'node:net';
import { connect as secure } from 'node:tls';
import { composeProxyHeader } from '../proxy-protocol/compose.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import { takeSession, upstreamTlsOptions } from '../tls/upstream-contexts.ts';
import { upstreamTlsFailure } from '../tls/upstream-failure.ts';
import { type Failure, failures } from './failure.ts';
import type { Transport } from './transport.ts';

/** Where a connection goes and what precedes its protocol; an endpoint's pool is one. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly transport: Pick<Transport, 'tls' | 'proxyProtocol'> & { readonly protocol: Transport['protocol'] | 'tcp' };
  /** Whom a PROXY header names; without one the connection is the proxy's own. */
  readonly client?: SocketPair | undefined;
}

/** Where reads land: memory of the caller's, used anew for each read. Without it, `data` events bring the bytes. */
export interface ReadInto {
  readonly buffer: Buffer;
  readonly onBytes: (count: number) => void;
}

/** Why sockets that never stood did not, where it was not the connection itself. */
const reasons = new WeakMap<Socket, Failure>();

/** Once the connection stands, TLS and all, `onReady` is called; else `close` is all that follows. */
export function dial(to: Destination, onReady: () => void, reads?: ReadInto): Socket {
  const { tls, proxyProtocol } = to.transport;
  if (tls !== undefined) return dialTls(to, onReady, reads);
  const socket = connect({ ...base(to), onread: onRead(reads) });
  if (proxyProtocol !== undefined) socket.write(composeProxyHeader(proxyProtocol, to.client));
  socket.on('connect', onReady);
  return socket;
}

/** What is to be said of a connection that closed before it stood. */
export function dialFailure(socket: Socket): Failure {
  return reasons.get(socket) ?? failures.connect;
}

function base({ address, port }: Destination): { host: string; port: number; noDelay: true; allowHalfOpen: true } {
  return { host: address, port, noDelay: true, allowHalfOpen: true };
}

function onRead(reads: ReadInto | undefined): { buffer: Buffer; callback: (count: number) => boolean } | undefined {
  if (reads === undefined) return undefined;
  const { buffer, onBytes } = reads;
  return {
    buffer,
    callback: (count) => {
      onBytes(count);
      return true;
    },
  };
}

function dialTls(to: Destination, onReady: () => void, reads: ReadInto | undefined): Socket {
  const options = upstreamTlsOptions(to);
  if (options === undefined) {
    // Nothing can be connected with these settings: the socket exists for its `close` only.
    const socket = new Socket();
    reasons.set(socket, failures.tlsSettings);
    process.nextTick(() => socket.destroy());
    return socket;
  }
  const { proxyProtocol } = to.transport;
  const onread = onRead(reads);
  const socket =
    proxyProtocol === undefined
      ? secure({ ...base(to), ...options, ...(onread === undefined ? {} : { onread }) })
      : secure({ ...options, socket: dialBelow(to, proxyProtocol) });
  if (proxyProtocol !== undefined && reads !== undefined) copyReads(socket, reads);
  socket.on('session', (session: Buffer) => takeSession(to, session));
  socket.on('secureConnect', () => {
    if (to.transport.protocol === 'http2' && socket.alpnProtocol !== 'h2') {
      reasons.set(socket, failures.tlsProtocol);
      socket.destroy();
    } else {
      reasons.delete(socket);
      onReady();
    }
  });
  // From here on it is the handshake that fails, until it does not.
  socket.on('connect', () => reasons.set(socket, failures.tlsHandshake));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const failure = upstreamTlsFailure(error);
    if (failure !== undefined && reasons.has(socket)) reasons.set(socket, failure);
  });
  return socket;
}

/** The header goes ahead of the handshake, so that whoever reads it needs no key. */
function dialBelow(to: Destination, version: 'v1' | 'v2'): Socket {
  const below = connect(base(to));
  below.write(composeProxyHeader(version, to.client));
  return below;
}

/** Node.js reads into a caller's buffer only on connections that it opens itself. */
function copyReads(socket: Socket, { buffer, onBytes }: ReadInto): void {
  socket.on('data', (bytes: Buffer) => {
    for (let at = 0; at < bytes.length && !socket.destroyed; at += buffer.length) {
      onBytes(bytes.copy(buffer, 0, at));
    }
  });
}
