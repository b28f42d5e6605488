// Ends a socket at once, so that the other side notices that something broke.
// Knows nothing of flows. Node.js resets plain sockets only: below TLS the connection is closed without a farewell.

import type { Socket } from 'node:net';

export function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}
