// EndpointSlice mirroring: Endpoints that somebody wrote for a Service without a selector become slices, for all who read
// only these. Knows nothing of pods. Upstream: pkg/controller/endpointslicemirroring.
import type { Endpoints, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { hash32 } from '#lib/hash.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { controllerReference } from '../common/owners.ts';
import type { Controller } from '../controller.ts';
import { isMirrored, type MirroredSlice, mirroredSlices } from './desired.ts';

const SLICES = builtin('EndpointSlice');
const ENDPOINTS = builtin('Endpoints');
const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const BY_SERVICE = 'mirroring/service';

export const endpointSliceMirroringController: Controller = {
  name: 'endpointslice-mirroring',
  component: 'endpoint-slice-mirroring-controller',
  setup({ client, informers, clock, log }) {
    const services = informers.of<Service>(builtin('Service'));
    const endpoints = informers.of<Endpoints>(ENDPOINTS);
    const slices = informers.of<EndpointSlice>(SLICES);
    slices.addIndex(BY_SERVICE, serviceOfMirror);

    const reconcile = async (key: string): Promise<void> => {
      const source = endpoints.get(key);
      const wanted = isMirrored(services.get(key), source)
        ? mirroredSlices(source).map((each) => sliceOf(source, each))
        : [];
      const existing = new Map(slices.byIndex(BY_SERVICE, key).map((slice) => [slice.metadata?.name ?? '', slice]));
      for (const slice of wanted) {
        const name = slice.metadata?.name ?? '';
        await write(client, slice, existing.get(name));
        existing.delete(name);
      }
      for (const slice of existing.values()) {
        await client.delete(SLICES, slice.metadata?.name ?? '', slice.metadata?.namespace).catch((error: unknown) => {
          if (!isStatus(error, 404)) throw error;
        });
      }
    };
    const queue = createWorkQueue('endpointslice-mirroring', reconcile, { clock, log, workers: 2 });
    services.onChange((key) => queue.add(key));
    endpoints.onChange((key) => queue.add(key));
    slices.onChange((_key, now, before) => {
      for (const slice of [now, before])
        if (slice !== undefined) for (const key of serviceOfMirror(slice)) queue.add(key);
    });
    return { queues: [queue], reads: [services, endpoints, slices] };
  },
};

function serviceOfMirror({ metadata }: EndpointSlice): readonly string[] {
  const { [SERVICE_NAME]: name, [MANAGED_BY]: manager } = metadata?.labels ?? {};
  return name === undefined || manager !== MANAGER ? [] : [`${metadata?.namespace}/${name}`];
}

/** Named by family and ports: made a second time while our copy lags behind, it meets itself. */
function sliceOf(source: Endpoints, { addressType, ports, endpoints }: MirroredSlice): EndpointSlice {
  const { name = '', namespace, labels, annotations = {} } = source.metadata ?? {};
  const { [LAST_APPLIED]: _applied, ...kept } = annotations;
  const hash = hash32(`${addressType} ${JSON.stringify(ports)}`).toString(36);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
      ...(Object.keys(kept).length === 0 ? {} : { annotations: kept }),
      ownerReferences: [controllerReference(ENDPOINTS, source)],
    },
    addressType,
    ports: [...ports],
    endpoints: [...endpoints],
  };
}

async function write(client: Client, slice: EndpointSlice, known: EndpointSlice | undefined): Promise<void> {
  if (known === undefined) {
    await client.create<EndpointSlice>(SLICES, slice);
    return;
  }
  const same =
    semanticallyEqual(known.endpoints, slice.endpoints) &&
    semanticallyEqual(known.metadata?.labels, slice.metadata?.labels) &&
    semanticallyEqual(known.metadata?.annotations, slice.metadata?.annotations) &&
    semanticallyEqual(known.metadata?.ownerReferences, slice.metadata?.ownerReferences);
  if (same) return;
  const resourceVersion = known.metadata?.resourceVersion ?? '';
  await client.update<EndpointSlice>(SLICES, { ...slice, metadata: { ...slice.metadata, resourceVersion } });
}
