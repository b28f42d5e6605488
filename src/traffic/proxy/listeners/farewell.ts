// The last word to a client whose connection came to nothing, where there is one it can understand.
// Knows nothing of how it came to that.

import type { Socket } from 'node:net';
import { textReply } from '../http/local-reply.ts';
import { composeReply } from '../http1/compose.ts';
import type { HandshakeFailure } from '../tls/terminator.ts';

/** A fatal TLS alert in plain text, as it is before any key is agreed on (RFC 8446, 6). */
const alert = (description: number): Buffer => Buffer.from([21, 3, 1, 0, 2, 2, description]);

const DECODE_ERROR = 50;
const UNRECOGNIZED_NAME = 112;

/** Ends `socket`; nobody else listens to it any more. */
export function farewell(socket: Socket, failure: HandshakeFailure): void {
  const words = wordsFor(failure);
  if (words === undefined || socket.destroyed) {
    socket.destroy();
    return;
  }
  socket.on('error', () => socket.destroy());
  socket.write(words);
  socket.destroySoon();
}

function wordsFor(failure: HandshakeFailure): Buffer | undefined {
  if (failure === 'client_hello') return alert(DECODE_ERROR);
  if (failure === 'no_certificate' || failure === 'no_route') return alert(UNRECOGNIZED_NAME);
  if (failure !== 'plain_http') return undefined;
  return Buffer.from(composeReply(textReply(400, 'This port speaks HTTPS: use https://'), false, false), 'latin1');
}
