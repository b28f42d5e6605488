// Which counter slot each endpoint has, and until when: the engine decides, every worker follows.
// Knows nothing of requests; counts how many clusters name an endpoint.

import type { TrafficUpdate } from '#traffic/model/ir.ts';
import { endpointKey } from '#traffic/snapshot/index.ts';
import { SlotTable } from './workers/in-flight.ts';

export class EndpointSlots {
  readonly table: SlotTable;
  readonly #byCluster = new Map<string, readonly string[]>();
  readonly #uses = new Map<string, number>();

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.table = new SlotTable(memory, workers);
  }

  /** Takes an update in; returns the slots that are new with it. */
  apply(update: TrafficUpdate): [string, number][] {
    const fresh: [string, number][] = [];
    const before: string[] = [];
    for (const [cluster, endpoints] of update.endpoints ?? []) {
      before.push(...(this.#byCluster.get(cluster) ?? []));
      const keys = (endpoints ?? []).map(endpointKey);
      if (endpoints === undefined) this.#byCluster.delete(cluster);
      else this.#byCluster.set(cluster, keys);
      for (const key of keys) {
        this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
        const slot = this.table.assign(key);
        if (slot.fresh) fresh.push([key, slot.slot]);
      }
    }
    for (const key of before) {
      const left = (this.#uses.get(key) ?? 1) - 1;
      if (left > 0) {
        this.#uses.set(key, left);
      } else {
        this.#uses.delete(key);
        this.table.release(key);
      }
    }
    return fresh;
  }
}
