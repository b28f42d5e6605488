// The TLS listener for HTTP/2 and HTTP/1.1, and its quick, clean end.
// Knows sockets and sessions; requests are handed to one function.
import { type IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Upgrade } from '#kube/streaming/upgrade.ts';
import type { Logger } from '#lib/log.ts';

export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly tls: { readonly certPem: string; readonly keyPem: string; readonly clientCaPem: string };
  /** Further ones are closed as they come, so that memory and descriptors last for those that are there. */
  readonly maxConnections?: number;
  readonly log: Logger;
  readonly handle: (request: Http2ServerRequest, response: Http2ServerResponse, upgrade?: Upgrade) => void;
}

export interface ApiListener {
  readonly port: number;
  /** Stops listening, lets answers in flight end for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

const MAX_SESSION_MEGABYTES = 512;
/** Request line and header fields of a request together. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** Rejects with an error that names the address when it cannot be bound. */
export async function listen(options: ListenerOptions): Promise<ApiListener> {
  const server = createSecureServer({
    allowHTTP1: true,
    cert: options.tls.certPem,
    key: options.tls.keyPem,
    ca: options.tls.clientCaPem,
    // Certificates are asked for but not required: a token is as good, and health needs neither.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    // Long lists in selectors and tokens of big companies: upstream takes as much.
    // The types do not know what node:http takes here.
    http1Options: { maxHeaderSize: MAX_HEADER_BYTES } as object,
    // While more than this waits for the client, new streams are refused: a large list and a watch must not be too much.
    maxSessionMemory: MAX_SESSION_MEGABYTES,
    // Requests at once on one connection as Go's servers: who wants more opens another, as Go's clients do.
    settings: { maxHeaderListSize: MAX_HEADER_BYTES, maxConcurrentStreams: 250 },
  });
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  server.on('drop', () => options.log.debug({ limit: options.maxConnections }, 'A connection too many was closed'));
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('secureConnection', (socket) => {
    // Small frames of a watch must not wait for the client's acknowledgement of the ones before.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', (error) => options.log.debug({ error: error.message }, 'HTTP/2 session failed'));
  });
  server.on('request', options.handle);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // An answer that refuses the upgrade is an ordinary one, and the connection's last.
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    options.handle(request as unknown as Http2ServerRequest, response as unknown as Http2ServerResponse, {
      request,
      socket,
      head,
    });
  });
  server.on('tlsClientError', (error) => options.log.debug({ error: error.message }, 'TLS handshake failed'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, options)));
    server.listen(options.port, options.address, resolve);
  });
  server.on('error', (error) => options.log.error({ error: error.message }, 'API listener failed'));
  return {
    port: (server.address() as AddressInfo).port,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      // Idle keep-alive connections of HTTP/1.1 would hold the server open for nothing.
      if ('closeIdleConnections' in server) (server as { closeIdleConnections(): void }).closeIdleConnections();
      await closed;
      clearTimeout(cut);
    },
  };
}

function explain(error: NodeJS.ErrnoException, { address, port }: ListenerOptions): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new Error(`Cannot serve the API on ${address}:${port}: the port is taken. Choose another API port`, {
    cause: error,
  });
}
