// Connections to the fronts of Services: by whose hosts each is served, and which have to end when that changes.
// Knows no request; a front is a listener, or a cluster IP of a Service, that says so.

import type { MeshFront } from '#traffic/model/ir.ts';
import type { Snapshot } from '#traffic/snapshot/index.ts';
import { type AddressList, addressList } from '../address-list.ts';
import type { ClientConnection } from '../http/client-connection.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';

interface Origin {
  /** Its name. */
  readonly front: string;
  readonly address: string;
}

/** What a client believes: that it is connected to the port of the Service. */
export function seenBy({ source, destination }: SocketPair, { port }: MeshFront): SocketPair {
  return { source, destination: { ...destination, port } };
}

/** By which name the hosts that serve a client at this address are found. */
export function hostsOf({ groupOf }: Pick<Snapshot, 'groupOf'>, { name, groups }: MeshFront, address: string): string {
  if (groups.length === 0) return name;
  const group = groupOf.get(address);
  return group === undefined || !groups.includes(group) ? name : `${name}/from/${group}`;
}

export class FrontConnections {
  readonly #snapshot: () => Snapshot;
  readonly #origins = new Map<ClientConnection, Origin>();
  /** By the list itself, which stays as long as the settings do. */
  readonly #lists = new WeakMap<readonly string[], AddressList>();

  constructor(snapshot: () => Snapshot) {
    this.#snapshot = snapshot;
  }

  letsIn({ from }: MeshFront, address: string): boolean {
    if (from === undefined) return true;
    let list = this.#lists.get(from);
    if (list === undefined) {
      list = addressList(from);
      this.#lists.set(from, list);
    }
    return list.has(address);
  }

  /** By which name the hosts that serve a client are found. */
  hostsOf(front: MeshFront, address: string): string {
    return hostsOf(this.#snapshot(), front, address);
  }

  /** Its bytes go to the Service's endpoints as if there were no front. */
  carries(front: MeshFront, address: string): boolean {
    return front.carried === true && this.hostsOf(front, address) === front.name;
  }

  add(connection: ClientConnection, front: string, address: string): void {
    this.#origins.set(connection, { front, address });
    connection.socket.on('close', () => this.#origins.delete(connection));
  }

  /**
   * Ends connections after their answer that a new one would not be like. Who has not asked yet is answered first, as it
   * would have been: its hosts stay for a while.
   */
  settle(): void {
    if (this.#origins.size === 0) return;
    const fronts = frontsOf(this.#snapshot());
    for (const [connection, { front: name, address }] of this.#origins) {
      if (!connection.begun) continue;
      const front = fronts.get(name);
      if (front === undefined || this.hostsOf(front, address) !== connection.listener) connection.drain();
    }
  }
}

function frontsOf({ services, listeners }: Snapshot): ReadonlyMap<string, MeshFront> {
  const fronts = new Map<string, MeshFront>();
  for (const { front } of [...services.values(), ...listeners.values()])
    if (front !== undefined) fronts.set(front.name, front);
  return fronts;
}
