// One route, ready for use: the cluster of a request is drawn here.
// Knows clusters by name only.
import type { Random } from '#traffic/balancer/balancer.ts';
import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import type { RouteEntry } from './types.ts';

export function createRouteEntry(route: Route, hostname: string, random: Random): RouteEntry {
  return Object.freeze({ route, hostname, pickCluster: clusterPicker(route, random) });
}

function clusterPicker({ action }: Route, random: Random): () => string | undefined {
  if (action.type !== 'forward') return () => undefined;
  const open = action.clusters.filter(({ weight }) => weight > 0);
  if (open.length > 1) return weightedPicker(open, random);
  const only = open[0]?.cluster;
  return () => only;
}

function weightedPicker(clusters: readonly WeightedCluster[], random: Random): () => string | undefined {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  const last = clusters.at(-1)?.cluster;
  return () => {
    let point = random() * total;
    for (let place = 0; place < clusters.length; place++) {
      const candidate = clusters[place];
      if (candidate === undefined) break;
      point -= candidate.weight;
      if (point < 0) return candidate.cluster;
    }
    return last;
  };
}
