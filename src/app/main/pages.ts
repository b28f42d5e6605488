// The small HTTP servers of a part that runs by itself: health and metrics, each at an address that a flag says.
// Knows no page; all of them are served, or none.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { listenFailure } from './ports.ts';

export interface Bind {
  readonly address: string;
  readonly port: number;
}

export interface Page {
  /** Undefined: it is not wanted. */
  readonly bind: Bind | undefined;
  /** The flag that says where it is. */
  readonly flag: string;
  readonly listener: RequestListener;
}

/** Resolves with how to end them. Throws a `Failure` that names the flag of the first that cannot be had. */
export async function servePages(pages: readonly Page[]): Promise<() => void> {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) closeServer(server);
  };
  for (const { bind, flag, listener } of pages) {
    if (bind === undefined) continue;
    const server = createServer(listener);
    try {
      server.listen({ host: bind.address, port: bind.port });
      await once(server, 'listening');
      servers.push(server);
    } catch (error) {
      // One that goes on listening would keep the process alive.
      close();
      throw listenFailure(error, bind.port, bind.address, flag);
    }
  }
  return close;
}

export function closeServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}
