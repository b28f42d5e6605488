// Which names of routes, as in metrics, stand in how many places: what leaves the last one has left for good.
// Knows nothing of what is counted under these names.

import type { TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';

export class RouteNames {
  readonly #places = new Map<string, number>();

  /** Takes an update in; the names that nothing bears any more. `before` is what the hosts were until now. */
  left({ virtualHosts }: TrafficUpdate, before: ReadonlyMap<string, VirtualHost>): ReadonlySet<string> {
    const moves = new Map<string, number>();
    for (const [name, host] of virtualHosts ?? []) {
      const [old, now] = [before.get(name)?.routes ?? [], host?.routes ?? []];
      const shared = sharedStart(old, now);
      const end = sharedEnd(old, now, shared);
      for (const { metricName } of old.slice(shared, old.length - end)) add(moves, metricName, -1);
      for (const { metricName } of now.slice(shared, now.length - end)) add(moves, metricName, 1);
    }
    const left = new Set<string>();
    for (const [name, step] of moves) {
      const places = (this.#places.get(name) ?? 0) + step;
      if (places > 0) {
        this.#places.set(name, places);
      } else if (this.#places.delete(name)) {
        left.add(name);
      }
    }
    return left;
  }
}

function add(counts: Map<string, number>, name: string, step: number): void {
  counts.set(name, (counts.get(name) ?? 0) + step);
}

function sharedStart(a: readonly unknown[], b: readonly unknown[]): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

function sharedEnd(a: readonly unknown[], b: readonly unknown[], from: number): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) - from && a.at(-1 - length) === b.at(-1 - length)) length++;
  return length;
}
