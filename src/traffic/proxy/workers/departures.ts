// What an update takes away for good: names that nothing in the new tables bears any more.
// Pure; knows nothing of what is kept under these names.

import type { TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';
import type { Snapshot } from '#traffic/snapshot/index.ts';

const nothing: ReadonlySet<string> = new Set();

export function clustersLeft({ clusters }: TrafficUpdate): ReadonlySet<string> {
  if (clusters === undefined) return nothing;
  const left = new Set<string>();
  for (const [name, cluster] of clusters) if (cluster === undefined) left.add(name);
  return left;
}

/** Names of routes, as in metrics. All routes are looked at only when some of the virtual hosts that changed miss one. */
export function routesLeft({ virtualHosts }: TrafficUpdate, before: Snapshot, after: Snapshot): ReadonlySet<string> {
  if (virtualHosts === undefined) return nothing;
  const left = new Set<string>();
  for (const name of virtualHosts.keys()) addNames(left, before.virtualHosts.get(name));
  for (const host of virtualHosts.values()) removeNames(left, host);
  if (left.size === 0) return left;
  for (const host of after.virtualHosts.values()) removeNames(left, host);
  return left;
}

function addNames(names: Set<string>, host: VirtualHost | undefined): void {
  for (const { metricName } of host?.routes ?? []) names.add(metricName);
}

function removeNames(names: Set<string>, host: VirtualHost | undefined): void {
  for (const { metricName } of host?.routes ?? []) names.delete(metricName);
}
