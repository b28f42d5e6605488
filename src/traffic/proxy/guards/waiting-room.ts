// Requests that wait for the first endpoint of a cluster that has none: in order, and bounded in number and bytes.
// Knows nothing of what they are; whoever waits is told to try again when there may be an endpoint.

import type { Cluster, HoldPolicy } from '#traffic/model/ir.ts';
import type { Snapshot } from '#traffic/snapshot/index.ts';

/** One request that waits. */
export interface Held {
  /** Bytes of its body that are kept meanwhile, at most. */
  readonly bytes: number;
  /** There may be an endpoint; whoever finds none waits on. */
  retry(): void;
}

interface Room {
  readonly waiting: Set<Held>;
  bytes: number;
}

/** One per worker; each of them has its share of what a cluster may hold. */
export class WaitingRoom {
  readonly #workers: number;
  readonly #rooms = new Map<string, Room>();

  constructor(workers: number) {
    this.#workers = workers;
  }

  /** False when there is no more room. */
  enter({ name }: Cluster, { maxRequests, maxBytes }: HoldPolicy, one: Held): boolean {
    const room = this.#rooms.get(name) ?? { waiting: new Set<Held>(), bytes: 0 };
    if (room.waiting.size >= Math.ceil(maxRequests / this.#workers)) return false;
    if (room.bytes + one.bytes > Math.ceil(maxBytes / this.#workers)) return false;
    this.#rooms.set(name, room);
    room.waiting.add(one);
    room.bytes += one.bytes;
    return true;
  }

  leave(cluster: string, one: Held): void {
    const room = this.#rooms.get(cluster);
    if (room?.waiting.delete(one) !== true) return;
    room.bytes -= one.bytes;
    if (room.waiting.size === 0) this.#rooms.delete(cluster);
  }

  /** To be called with each new snapshot: lets those try again whose cluster has an endpoint, or is no more. */
  look(snapshot: Snapshot): void {
    for (const [name, { waiting }] of [...this.#rooms]) {
      const cluster = snapshot.cluster(name);
      if (cluster !== undefined && cluster.targets.length === 0) continue;
      for (const one of [...waiting]) one.retry();
    }
  }
}
