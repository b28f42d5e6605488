// The end of HTTP/1.1 on a connection and what takes its place: SPDY/3.1 or WebSocket, with a protocol both sides know.
// Knows heads of requests and answers; what the connection is for is the caller's matter.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** A request that asks for another protocol, as Node.js hands it over. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request's head. */
  readonly head: Buffer;
}

/** Most bytes of one WebSocket message: larger ones are no stream's. */
const MAX_MESSAGE = 4 * 1024 * 1024;

const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE,
  // The protocol is chosen before the handshake.
  handleProtocols: (_offered, request) => chosen.get(request) ?? false,
});
const chosen = new WeakMap<IncomingMessage, string>();

export function upgradeKind(request: IncomingMessage): 'spdy' | 'websocket' | undefined {
  const { upgrade = '' } = request.headers;
  if (/^spdy\/3\.1$/i.test(upgrade)) return 'spdy';
  return /^websocket$/i.test(upgrade) ? 'websocket' : undefined;
}

/** Protocols that the client can speak, its favourite first. */
function offered(request: IncomingMessage, header: string): string[] {
  const values = request.headersDistinct[header] ?? [];
  return values
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** Answers with an error instead, and ends the connection. */
export function refuseUpgrade(
  { socket }: Upgrade,
  status: number,
  text: string,
  headers: readonly string[] = [],
): void {
  const body = Buffer.from(text);
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
    ...headers,
  ];
  socket.on('error', () => socket.destroy());
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

/** The first protocol of the client's that is known here; `''` when it names none; undefined after a refusal. */
function agree(upgrade: Upgrade, header: string, known: readonly string[] | 'any'): string | undefined {
  const names = offered(upgrade.request, header);
  if (names.length === 0 || known === 'any') return names[0] ?? '';
  const found = names.find((name) => known.includes(name));
  if (found === undefined) {
    const text = `unable to upgrade: unable to negotiate protocol: client supports [${names.join(' ')}], server accepts [${known.join(' ')}]`;
    refuseUpgrade(
      upgrade,
      403,
      text,
      known.map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`),
    );
  }
  return found;
}

/** Takes the connection over for SPDY; undefined after a refusal. */
export function acceptSpdy(upgrade: Upgrade, known: readonly string[]): { protocol: string } | undefined {
  const protocol = agree(upgrade, 'x-stream-protocol-version', known);
  if (protocol === undefined) return undefined;
  const { socket, head } = upgrade;
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (protocol !== '') lines.push(`X-Stream-Protocol-Version: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return { protocol };
}

/** Takes the connection over for WebSocket; undefined after a refusal. `any`: the first protocol that the client names. */
export async function acceptWebSocket(
  upgrade: Upgrade,
  known: readonly string[] | 'any',
): Promise<{ protocol: string; webSocket: WebSocket } | undefined> {
  const { request, socket, head } = upgrade;
  const protocol = agree(upgrade, 'sec-websocket-protocol', known);
  if (protocol === undefined) return undefined;
  chosen.set(request, protocol);
  const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>();
  // A handshake that fails is answered by the library, which then says nothing more.
  socket.once('close', () => resolve(undefined));
  webSockets.handleUpgrade(request, socket, head, resolve);
  const webSocket = await promise;
  webSocket?.on('error', () => webSocket.terminate());
  return webSocket === undefined ? undefined : { protocol, webSocket };
}
