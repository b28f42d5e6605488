// Hands file descriptors over to Node's sockets and servers, and finds the one below a Node socket.
// Only what libuv knows can be handed over (TCP, UDP, Unix): for netlink and packet sockets see receiveAll in socket.ts.
import { type AddressInfo, type ListenOptions, type Server, Socket } from 'node:net';
import type { InternetAddress } from './socket-address.ts';

/** Connects the unconnected TCP socket `fd` by Node's event loop. From here on `fd` belongs to the returned socket. */
export function connectOn(fd: number, to: InternetAddress): Socket {
  // Without manualStart Node reads at once, and an unconnected socket answers that with an error.
  const options = { fd, manualStart: true };
  return new Socket(options).connect({ host: to.address, port: to.port });
}

/** Lets `server` take connections on the bound TCP socket `fd`; resolves when it listens. `fd` is the server's. */
export function listenOn(
  server: Server,
  fd: number,
  options: Pick<ListenOptions, 'backlog'> = {},
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd, ...options }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

/**
 * The descriptor below an open socket (of TLS: of its connection) or listening server, to set options on; undefined when
 * there is none (closed, or not yet connecting). It stays Node's: never close it.
 */
export function descriptorOf(holder: Socket | Server): number | undefined {
  const handle = (holder as unknown as { _handle?: { fd?: number } | null })._handle;
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
