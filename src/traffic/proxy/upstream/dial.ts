// Opens the connections to endpoints: the one place that knows what stands between a socket and a protocol.
// Knows nothing of requests; what is written before a connection stands waits for it.

import { connect, type OnReadOpts, Socket } from 'node:net';
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

/** Where reads land: memory of the caller's. Without it, `data` events bring the bytes. */
export interface ReadInto {
  /** Asked before the first read, and after each whether the next one lands elsewhere: undefined when it does not. */
  readonly memory: () => Buffer | undefined;
  readonly onBytes: (memory: Buffer, count: number) => void;
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

function onRead(reads: ReadInto | undefined): OnReadOpts | undefined {
  if (reads === undefined) return undefined;
  return {
    // Typed as if it always answered; Node.js stays with the memory it has when it does not.
    buffer: reads.memory as () => Buffer,
    callback: (count, memory) => {
      reads.onBytes(memory as Buffer, count);
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
  // Node.js reads into a caller's memory only on connections that it opens itself.
  if (proxyProtocol !== undefined && reads !== undefined)
    socket.on('data', (bytes: Buffer) => reads.onBytes(bytes, bytes.length));
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
