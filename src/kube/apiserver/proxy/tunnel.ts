// Hands an upgraded connection on: the request to another server, its answer back, then bytes both ways.
// Knows HTTP/1.1 heads; what is spoken behind them is the business of the two ends.
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest, type RequestOptions as TlsRequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { StatusError } from '#kube/api/status.ts';
import type { Upgrade } from '#kube/streaming/upgrade.ts';
import type { ResourceRequest } from '../context.ts';

/** What is between the client and us alone, or for us to answer. */
const OURS = new Set(['host', 'authorization']);
/** Who asks, and as whom, is between the client and us, too. */
const ABOUT_USERS = /^(x-remote-|impersonate-)/;

export interface Destination {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  readonly tls: {
    readonly cert?: string;
    readonly key?: string;
    readonly ca?: string;
    readonly rejectUnauthorized?: boolean;
    readonly servername?: string;
  };
}

export function openRequest(
  destination: Destination,
  method: string,
  headers: RequestOptions['headers'],
): ClientRequest {
  const { scheme, host, port, path, tls } = destination;
  const options: TlsRequestOptions = { host, port, path, method, headers, agent: false, setDefaultHeaders: true };
  return scheme === 'https' ? httpsRequest({ ...options, ...tls }) : httpRequest(options);
}

/** Headers as the client wrote them, without what is ours. */
export function passedHeaders(
  request: Pick<IncomingMessage, 'headers'> & Partial<Pick<IncomingMessage, 'headersDistinct'>>,
): Record<string, string[]> {
  // HTTP/2 has no list of its own; there each value stands alone already.
  const headers = Object.entries(request.headersDistinct ?? request.headers);
  const kept = headers.filter(
    ([name, value]) => value !== undefined && !OURS.has(name) && !name.startsWith(':') && !ABOUT_USERS.test(name),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, [value ?? []].flat()]));
}

/** Resolves when the connection is over. Rejects with `StatusError` while the client can still be told. */
export function tunnel(
  request: Pick<ResourceRequest, 'server' | 'response'>,
  upgrade: Upgrade,
  destination: Destination,
  more: Readonly<Record<string, string | string[]>> = {},
): Promise<undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const { socket, head } = upgrade;
  const headers = { ...passedHeaders(upgrade.request), ...more };
  const onward = openRequest(destination, upgrade.request.method ?? 'GET', headers);
  onward.on('error', (error) => {
    const { host, port } = destination;
    reject(new StatusError(502, 'BadGateway', `error dialing backend: ${host}:${port}: ${error.message}`));
  });
  socket.once('close', () => onward.destroy());
  onward.on('response', (answer) => {
    // Refused: the reason is the other side's, in its words.
    const { response } = request;
    response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
    answer.on('error', () => socket.destroy());
    answer.pipe(response);
    response.once('close', () => resolve(undefined));
  });
  onward.on('upgrade', (answer, backend, backendHead) => {
    socket.write(headOf(answer));
    if (backendHead.length > 0) socket.write(backendHead);
    if (head.length > 0) backend.write(head);
    const end = (): void => {
      socket.destroy();
      backend.destroy();
    };
    request.server.closing.addEventListener('abort', end, { once: true });
    joinSockets(socket, backend, () => {
      request.server.closing.removeEventListener('abort', end);
      resolve(undefined);
    });
  });
  onward.end();
  return promise;
}

function headOf(answer: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1').toString('latin1');
}

function joinSockets(one: Duplex, other: Duplex, onEnd: () => void): void {
  let open = 2;
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => {});
    from.pipe(to);
    from.once('close', () => {
      // What is still to be written may go out; nothing more comes.
      to.end();
      open -= 1;
      if (open === 0) onEnd();
    });
  }
}
