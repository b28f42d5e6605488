// The sockets of a node's mesh proxy: one for each front and family, at a port of the node that nobody knows.
// Knows the traffic model; neither the engine that opens them nor the kernel that leads clients there.
import type { Logger } from '#lib/log.ts';
import type { Listener, MeshFront, ServicePort } from '#traffic/model/ir.ts';
import type { Detour } from '#traffic/model/l4/detour.ts';
import { messageOf } from '../../failure.ts';
import { freePort } from './free-port.ts';

export interface NodePlace {
  /** At most one a family. */
  readonly addresses: readonly string[];
  /** CIDRs of the clients that the kernel leads here; undefined when they are not known. */
  readonly clients: readonly string[] | undefined;
}

interface Socket {
  readonly address: string;
  readonly port: number;
}

export class Fronts {
  readonly #log: Logger;
  /** By name of the listener. */
  readonly #sockets = new Map<string, Socket>();
  #listeners: ReadonlyMap<string, Listener> = new Map();
  /** By name of the listener. */
  #keys: ReadonlyMap<string, string> = new Map();

  constructor(log: Logger) {
    this.#log = log;
  }

  get listeners(): ReadonlyMap<string, Listener> {
    return this.#listeners;
  }

  /** Makes the listeners what these ports of Services ask for; those without a front are left out. */
  async settle(ports: Iterable<ServicePort>, place: NodePlace): Promise<void> {
    const listeners = new Map<string, Listener>();
    const keys = new Map<string, string>();
    for (const port of ports) {
      const { front } = port;
      if (front === undefined) continue;
      for (const address of place.addresses) {
        const family = familyOf(address);
        if (!port.clusterIPs.some((own) => familyOf(own) === family)) continue;
        const name = `${front.name}@${address}`;
        const socket = await this.#socket(name, address);
        if (socket === undefined) continue;
        listeners.set(name, listenerOf(name, socket, front, port, place));
        keys.set(name, `${port.name}/${family}`);
      }
    }
    for (const name of this.#sockets.keys()) if (!listeners.has(name)) this.#sockets.delete(name);
    this.#listeners = listeners;
    this.#keys = keys;
  }

  /** Where the kernel leads clients: to all listeners but these. */
  detours(broken: ReadonlySet<string>): ReadonlyMap<string, Detour> {
    const detours = new Map<string, Detour>();
    for (const [name, { address, port }] of this.#listeners) {
      const key = this.#keys.get(name);
      if (key !== undefined && !broken.has(name)) detours.set(key, { address, port });
    }
    return detours;
  }

  /** The port of this listener could not be had after all: it gets another one. */
  forget(name: string): void {
    this.#sockets.delete(name);
  }

  async #socket(name: string, address: string): Promise<Socket | undefined> {
    const known = this.#sockets.get(name);
    if (known !== undefined) return known;
    try {
      const socket = { address, port: await freePort(address) };
      this.#sockets.set(name, socket);
      return socket;
    } catch (error) {
      this.#log.warn({ listener: name, error: messageOf(error) }, 'Requests to this Service cannot be routed here');
      return undefined;
    }
  }
}

function listenerOf(
  name: string,
  { address, port }: Socket,
  front: MeshFront,
  { cluster }: ServicePort,
  { clients }: NodePlace,
): Listener {
  return {
    name,
    address,
    port,
    protocol: 'http',
    front: { ...front, ...(clients === undefined ? {} : { from: clients }) },
    ...(front.carried === true ? { clusters: [{ cluster, weight: 1 }] } : {}),
  };
}

export function familyOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
