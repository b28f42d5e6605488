// Which counter slots endpoints and guarded clusters have, and until when: the engine decides, every worker follows.
// Knows nothing of requests; counts how many clusters name an endpoint.

import type { TrafficUpdate } from '#traffic/model/ir.ts';
import { endpointKey } from '#traffic/snapshot/index.ts';
import { guardedCounts, guardKey, isGuarded } from './guards/cluster-guard.ts';
import { SlotTable } from './workers/in-flight.ts';

export class EndpointSlots {
  readonly table: SlotTable;
  readonly #byCluster = new Map<string, readonly string[]>();
  readonly #uses = new Map<string, number>();
  readonly #guarded = new Set<string>();

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.table = new SlotTable(memory, workers);
  }

  /** Takes an update in; returns the slots that are new with it. */
  apply(update: TrafficUpdate): [string, number][] {
    const fresh = this.#applyGuards(update);
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

  #applyGuards(update: TrafficUpdate): [string, number][] {
    const fresh: [string, number][] = [];
    for (const [name, cluster] of update.clusters ?? []) {
      const guarded = cluster !== undefined && isGuarded(cluster);
      if (guarded === this.#guarded.has(name)) continue;
      for (const count of guardedCounts) {
        const key = guardKey(name, count);
        if (guarded) fresh.push([key, this.table.assign(key).slot]);
        else this.table.release(key);
      }
      if (guarded) this.#guarded.add(name);
      else this.#guarded.delete(name);
    }
    return fresh;
  }
}
