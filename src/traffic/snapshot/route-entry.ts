// One route, ready for use: the cluster of each request is drawn here, by weight.
// Knows clusters by name only.
import type { Random } from '#traffic/balancer/balancer.ts';
import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import type { RouteEntry } from './types.ts';
import { WeightedSplit } from './weighted-split.ts';

export function createRouteEntry(route: Route, hostname: string, random: Random): RouteEntry {
  const pickBackend = backendPicker(route, random);
  return Object.freeze({ route, hostname, pickBackend, pickCluster: () => pickBackend()?.cluster });
}

function backendPicker({ action }: Route, random: Random): () => WeightedCluster | undefined {
  if (action.type !== 'forward') return () => undefined;
  const split = new WeightedSplit(action.clusters, random);
  return () => split.next();
}
