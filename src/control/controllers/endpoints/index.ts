// Endpoints: the old form of EndpointSlices, for clients that still read it. Nothing of ours does.
// Upstream: pkg/controller/endpoint.
import type { Endpoints, Pod, Service } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { mapSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { isManaged } from '../endpointslice/desired.ts';
import { MAX_ADDRESSES, subsetsOf, truncate } from './subsets.ts';

const SERVICES = builtin('Service');
const ENDPOINTS = builtin('Endpoints');
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
const HEADLESS = 'service.kubernetes.io/headless';

export const endpointsController: Controller = {
  name: 'endpoints',
  component: 'endpoint-controller',
  setup(context) {
    const { informers, clock, log } = context;
    const services = informers.of<Service>(SERVICES);
    const pods = informers.of<Pod>(builtin('Pod'));
    const endpoints = informers.of<Endpoints>(ENDPOINTS);
    const work = (key: string): Promise<void> => reconcile(context, key, services, pods, endpoints);
    const queue = createWorkQueue('endpoints', work, { clock, log, workers: 2 });
    services.onChange((key) => queue.add(key));
    endpoints.onChange((key) => queue.add(key));
    pods.onChange((_key, now, before) => {
      for (const pod of [now, before]) {
        for (const service of pod === undefined ? [] : services.list(pod.metadata?.namespace)) {
          if (mapSelectorMatches(service.spec?.selector, pod?.metadata?.labels)) queue.add(objectKey(service));
        }
      }
    });
    return { queues: [queue], reads: [services, pods, endpoints] };
  },
};

async function reconcile(
  { client }: ControllerContext,
  key: string,
  services: Informer<Service>,
  pods: Informer<Pod>,
  endpoints: Informer<Endpoints>,
): Promise<void> {
  const service = services.get(key);
  const current = endpoints.get(key);
  if (service === undefined) {
    // Only what was made here: Endpoints without a Service may be someone's own.
    if (current?.metadata?.labels?.[MANAGED_BY] === undefined) return;
    await client.delete(ENDPOINTS, current.metadata.name ?? '', current.metadata.namespace).catch(ignoreGone);
    return;
  }
  if (service.metadata?.deletionTimestamp !== undefined || !isManaged(service)) return;
  const selected = pods
    .list(service.metadata?.namespace)
    .filter((pod) => mapSelectorMatches(service.spec?.selector, pod.metadata?.labels));
  const { subsets, cut } = truncate(subsetsOf(service, selected), MAX_ADDRESSES);
  const { name, namespace } = service.metadata ?? {};
  const labels = labelsOf(service);
  const { [OVER_CAPACITY]: _before, ...others } = current?.metadata?.annotations ?? {};
  const annotations = cut ? { ...others, [OVER_CAPACITY]: 'truncated' } : others;
  const same =
    current !== undefined &&
    semanticallyEqual(current.subsets, subsets) &&
    semanticallyEqual(current.metadata?.labels, labels) &&
    semanticallyEqual(current.metadata?.annotations, annotations);
  if (same) return;
  const { annotations: _annotations, ...identity } = current?.metadata ?? { name, namespace };
  const next: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...identity, labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
  if (current === undefined) await client.create<Endpoints>(ENDPOINTS, next);
  else await client.update<Endpoints>(ENDPOINTS, next);
}

function labelsOf(service: Service): Record<string, string> {
  return {
    ...service.metadata?.labels,
    [MANAGED_BY]: 'endpoint-controller',
    ...(service.spec?.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
  };
}

function ignoreGone(error: unknown): void {
  if (!isStatus(error, 404)) throw error;
}
