// What an update takes away for good: names that nothing in the new tables bears any more.
// Pure; knows nothing of what is kept under these names.

import type { TrafficUpdate } from '#traffic/model/ir.ts';

const nothing: ReadonlySet<string> = new Set();

export function clustersLeft({ clusters }: TrafficUpdate): ReadonlySet<string> {
  if (clusters === undefined) return nothing;
  const left = new Set<string>();
  for (const [name, cluster] of clusters) if (cluster === undefined) left.add(name);
  return left;
}
