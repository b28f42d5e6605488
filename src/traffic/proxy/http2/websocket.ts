// The handshake of WebSocket as far as a proxy that changes between HTTP/1.1 and HTTP/2 has to make it up itself.
// Knows nothing of frames behind it (RFC 6455; RFC 8441 for HTTP/2, which has neither key nor accept).

import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A value for `Sec-WebSocket-Key`. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** What a server answers a key with, in `Sec-WebSocket-Accept`. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}
