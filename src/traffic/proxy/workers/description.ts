// What balancing policies know of their targets, gathered from one worker and joined over all of them.
// For people: never on the path of a request.

import type { Snapshot } from '#traffic/snapshot/index.ts';

/** Facts about one target of one cluster: `{ ewmaMs: 3.2, weightFactor: 0.4 }`. */
export interface Description {
  readonly cluster: string;
  /** The endpoint's key. */
  readonly key: string;
  readonly facts: Readonly<Record<string, number>>;
}

export function describeTargets(snapshot: Snapshot, now: number): readonly Description[] {
  const descriptions: Description[] = [];
  for (const [cluster, entry] of snapshot.clusters) {
    for (const target of entry.targets) {
      const facts = entry.describe(target, now);
      if (Object.keys(facts).length > 0) descriptions.push({ cluster, key: target.key, facts });
    }
  }
  return descriptions;
}

/** The mean over the workers that have something to say, by cluster and key. */
export function joinDescriptions(
  all: readonly (readonly Description[])[],
): (cluster: string, key: string) => Readonly<Record<string, number>> {
  const sums = new Map<string, Map<string, { sum: number; count: number }>>();
  for (const { cluster, key, facts } of all.flat()) {
    const id = `${cluster} ${key}`;
    const known = sums.get(id) ?? new Map();
    sums.set(id, known);
    for (const [name, value] of Object.entries(facts)) {
      const { sum, count } = known.get(name) ?? { sum: 0, count: 0 };
      known.set(name, { sum: sum + value, count: count + 1 });
    }
  }
  return (cluster, key) => {
    const found = sums.get(`${cluster} ${key}`) ?? [];
    return Object.fromEntries([...found].map(([name, { sum, count }]) => [name, rounded(sum / count)]));
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
