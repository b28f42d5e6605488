// A foreign cluster as a home of metrics: its objects and its kubelets, both through its API server.
// Knows the client; what is made of both is kube/apiserver/metrics.
import type { KubeObject } from '#kube/api/object.ts';
import { builtin, builtinResources } from '#kube/api/resources.ts';
import type { Summary } from '#kube/apiserver/metrics/kubelet-summary.ts';
import type { MeasuredFigures } from '#kube/apiserver/metrics/measured.ts';
import { type MetricsHome, resourceName } from '#kube/apiserver/metrics/metrics-home.ts';
import type { AnyObject } from '#kube/apiserver/registry/any-object.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';

interface Parts {
  readonly client: Client;
  readonly informers: Informers;
  readonly measured: MeasuredFigures;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds; a node that does not answer is left out. */
const PATIENCE_MS = 3_000;

export function foreignHome({ client, informers, measured, clock, log }: Parts): MetricsHome {
  // What is asked for all the time is followed, the rest is listed.
  const followed = new Map<string, Informer<KubeObject>>([
    ['pods', informers.of<KubeObject>(builtin('Pod'))],
    ['nodes', informers.of<KubeObject>(builtin('Node'))],
  ]);
  return {
    clock,
    log,
    measured,
    objectKind: (resource) => builtinResources.find((kind) => resourceName(kind) === resource),
    async objects(kind, namespace) {
      const informer = followed.get(resourceName(kind));
      const items = informer?.list() ?? (await client.list(kind, namespace === undefined ? {} : { namespace })).items;
      const all = items as unknown as readonly AnyObject[];
      return namespace === undefined ? all : all.filter(({ metadata }) => metadata?.namespace === namespace);
    },
    async summary(node) {
      const path = `/api/v1/nodes/${encodeURIComponent(node.metadata?.name ?? '')}/proxy/stats/summary`;
      return (await client.raw('GET', path, undefined, { timeoutMs: PATIENCE_MS })) as Summary;
    },
  };
}
