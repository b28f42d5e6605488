// A TCP port that is free at an address now, for a socket that several threads and later ones share.
// Knows nothing of who listens there; whoever comes first may still take it.
import { createServer } from 'node:net';

/** Rejects when the address is not this machine's. */
export function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: address, port: 0 }, () => {
      const bound = server.address();
      const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
      server.close(() => resolve(port));
    });
  });
}
