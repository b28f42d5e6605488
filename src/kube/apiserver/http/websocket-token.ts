// The bearer token of a WebSocket from a browser: pages cannot set headers there, but can name protocols.
// Knows that one header. Upstream source: apiserver/pkg/authentication/request/websocket/protocol.go.
import type { IncomingMessage } from 'node:http';
import { unauthorized } from '#kube/api/status.ts';

const PREFIX = 'base64url.bearer.authorization.k8s.io.';
const HEADER = 'sec-websocket-protocol';

/**
 * Takes the token out of the protocols that the client offers, so that it goes nowhere else; undefined when there is
 * none. Throws `StatusError` 401 for two of them, for one that is no text, and when nothing is left to agree on.
 */
export function takeWebSocketToken(request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>): string | undefined {
  if (!/^websocket$/i.test(request.headers.upgrade ?? '')) return undefined;
  const offered = (request.headers[HEADER] ?? '').split(',').map((name) => name.trim());
  const [given, ...more] = offered.filter((name) => name.startsWith(PREFIX));
  if (given === undefined) return undefined;
  const others = offered.filter((name) => name !== '' && !name.startsWith(PREFIX));
  const token = decode(given.slice(PREFIX.length));
  if (more.length > 0 || others.length === 0 || token === undefined) throw unauthorized();
  request.headers[HEADER] = others.join(', ');
  request.headersDistinct[HEADER] = [others.join(', ')];
  return token;
}

function decode(text: string): string | undefined {
  if (!/^[\w-]+$/.test(text)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64url'));
  } catch {
    return undefined;
  }
}
