// Finds out whether a port is free before several workers share it, and which port stands behind port 0.
// Knows nothing of workers; binds plainly, looks, and lets go.

import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import type { Listener, TrafficUpdate } from '#traffic/model/ir.ts';

export class PortProbe {
  /** Listeners that could not be bound; they are left out until they are published again. */
  readonly failed = new Set<string>();
  readonly #known = new Map<string, Listener>();

  /** The update with every new listener checked: port 0 becomes the port it will have, a taken one is left out. */
  async check(update: TrafficUpdate, report: (name: string, error: Error) => void): Promise<TrafficUpdate> {
    if (update.listeners === undefined) return update;
    const listeners = new Map<string, Listener | undefined>();
    // A listener that takes another's place under a new name finds the port held by ourselves.
    const held = [...this.#known.values()];
    for (const [name, listener] of update.listeners) {
      this.failed.delete(name);
      if (listener === undefined) {
        this.#known.delete(name);
        listeners.set(name, undefined);
        continue;
      }
      const known = this.#known.get(name);
      if (
        known !== undefined &&
        known.address === listener.address &&
        (known.protocol === 'udp') === (listener.protocol === 'udp') &&
        (listener.port === 0 || known.port === listener.port)
      ) {
        listeners.set(name, { ...listener, port: known.port });
        continue;
      }
      try {
        const ours = held.some(({ address, port }) => address === listener.address && port === listener.port);
        const checked = { ...listener, port: ours ? listener.port : await freePort(listener) };
        this.#known.set(name, checked);
        listeners.set(name, checked);
      } catch (error) {
        this.failed.add(name);
        this.#known.delete(name);
        listeners.set(name, undefined);
        report(name, error as Error);
      }
    }
    return { ...update, listeners };
  }
}

function freePort(listener: Listener): Promise<number> {
  return listener.protocol === 'udp' ? freeUdpPort(listener) : freeTcpPort(listener);
}

function freeUdpPort({ address, port }: Listener): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) || address === '' ? 'udp6' : 'udp4');
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A machine without IPv6: binding for good finds its own way.
      if (error.code === 'EAFNOSUPPORT') resolve(port);
      else reject(error);
    });
    socket.bind({ port, ...(address === '' ? {} : { address }), exclusive: true }, () => {
      const bound = socket.address();
      socket.close(() => resolve(bound.port));
    });
  });
}

function freeTcpPort(listener: Listener): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen({ port: listener.port, host: listener.address === '' ? undefined : listener.address }, () => {
      const bound = server.address();
      server.close(() => resolve(bound !== null && typeof bound === 'object' ? bound.port : listener.port));
    });
  });
}
