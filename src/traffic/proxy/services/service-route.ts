// A port of a Service as a layer-4 route: one cluster, and clients that stay with their endpoint if it says so.
// Knows nothing of sockets.

import type { ServicePort } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import type { AffinityTable } from '#traffic/snapshot/rules/affinity-table.ts';
import { type FlowRoute, pickTarget } from '../layer4/context.ts';

export class ServiceRoute implements FlowRoute {
  /** As last published. */
  service: ServicePort;
  /** As Linux conntrack. */
  readonly sessionTimeout = 120_000;
  readonly #affinity: AffinityTable;

  constructor(service: ServicePort, affinity: AffinityTable) {
    this.service = service;
    this.#affinity = affinity;
  }

  get name(): string {
    return this.service.name;
  }

  pickCluster(): string {
    return this.service.cluster;
  }

  choose(cluster: ClusterEntry, client: string, tried: readonly EngineTarget[], now: number): EngineTarget | undefined {
    const { affinitySeconds } = this.service;
    if (affinitySeconds === 0) return pickTarget(cluster, client, tried, now);
    const key = tried.length === 0 ? this.#affinity.find(client, affinitySeconds, now) : undefined;
    const kept = key === undefined ? undefined : cluster.targets.find((candidate) => candidate.key === key);
    const target = kept ?? pickTarget(cluster, client, tried, now);
    if (target !== undefined) this.#affinity.remember(client, target.key, now);
    return target;
  }
}
