// Labels of pods for endpoints of clusters that take a subset of them only.
// Pure; who has pods hands their labels in, and as long as nobody has, every endpoint is taken.
import type { Cluster, Endpoint, TrafficModel } from '../ir.ts';

/** Of `namespace/pod`. */
export type PodLabels = (pod: string) => Readonly<Record<string, string>> | undefined;

type Tables = Pick<TrafficModel, 'clusters' | 'endpoints'>;

/** Whether any of the clusters is one that labels decide about. */
export function hasSubsets({ clusters }: Tables): boolean {
  for (const { subset } of clusters.values()) if (subset !== undefined) return true;
  return false;
}

/** `labels` undefined: they are not known yet. */
export function withSubsets<T extends Tables>(tables: T, labels: PodLabels | undefined): T {
  if (!hasSubsets(tables)) return tables;
  const clusters = new Map<string, Cluster>(tables.clusters);
  const endpoints = new Map<string, readonly Endpoint[]>(tables.endpoints);
  for (const [name, cluster] of tables.clusters) {
    if (cluster.subset === undefined) continue;
    if (labels === undefined) {
      const { subset: _unknown, ...whole } = cluster;
      clusters.set(name, whole);
      continue;
    }
    const labelled = (endpoints.get(name) ?? []).map((endpoint) => ({
      ...endpoint,
      labels: labels(endpoint.pod) ?? {},
    }));
    endpoints.set(name, labelled);
  }
  return { ...tables, clusters, endpoints };
}
