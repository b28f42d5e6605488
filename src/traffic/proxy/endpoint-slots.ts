// Which counter slots endpoints and guarded clusters have, and until when: the engine decides, every worker follows.
// Knows nothing of requests; counts how many clusters hold an endpoint, as each worker does.

import type { TrafficUpdate } from '#traffic/model/ir.ts';
import { endpointKey } from '#traffic/snapshot/index.ts';
import { guardedCounts, guardKey, isGuarded } from './guards/cluster-guard.ts';
import { SlotTable } from './workers/in-flight.ts';

export class EndpointSlots {
  readonly table: SlotTable;
  /** Keys as published, also of clusters that have not come yet, or have left before their endpoints. */
  readonly #byCluster = new Map<string, readonly string[]>();
  readonly #clusters = new Set<string>();
  readonly #uses = new Map<string, number>();
  readonly #guarded = new Set<string>();

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.table = new SlotTable(memory, workers);
  }

  /** Takes an update in; returns the slots that are new with it. */
  apply(update: TrafficUpdate): [string, number][] {
    const fresh = this.#applyGuards(update);
    const { clusters, endpoints } = update;
    const touched = new Set([...(clusters?.keys() ?? []), ...(endpoints?.keys() ?? [])]);
    const before = [...touched].flatMap((name) => this.#heldBy(name));
    for (const [name, cluster] of clusters ?? []) {
      if (cluster === undefined) this.#clusters.delete(name);
      else this.#clusters.add(name);
    }
    for (const [name, list] of endpoints ?? []) {
      if (list === undefined) this.#byCluster.delete(name);
      else this.#byCluster.set(name, list.map(endpointKey));
    }
    for (const name of touched) {
      for (const key of this.#heldBy(name)) {
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

  #heldBy(cluster: string): readonly string[] {
    return this.#clusters.has(cluster) ? (this.#byCluster.get(cluster) ?? []) : [];
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
