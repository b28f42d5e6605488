// The pods that manifests ask for, as EndpointSlices: where nothing runs yet, each stands for one that will.
// Knows workloads and their labels; the addresses are stand-ins, and never shown.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Container, Pod, Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { mapSelectorMatches } from '#kube/api/selector.ts';
import { SERVICE_NAME_LABEL } from '#traffic/model/service-endpoints.ts';

interface ExpectedPod {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
}

/** More would not fit the addresses that stand in. */
const MOST = 250 * 250;
const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'ReplicaSet']);

/** Slices of the Services that have a selector and no slice among `objects`; all of their pods count as ready. */
export function expectedSlices(services: readonly Service[], objects: readonly KubeObject[]): readonly EndpointSlice[] {
  let given = 0;
  return services.flatMap((service) => {
    const { namespace = '', name = '' } = service.metadata ?? {};
    const selector = service.spec?.selector ?? {};
    if (Object.keys(selector).length === 0) return [];
    const pods = objects
      .filter((object) => object.metadata?.namespace === namespace)
      .flatMap(podsOf)
      .filter(({ labels }) => mapSelectorMatches(selector, labels))
      .slice(0, MOST - given)
      .map((pod) => ({ pod, address: `198.18.${Math.floor(given / 250)}.${1 + (given++ % 250)}` }));
    // A port by name may be another number in each pod, and a slice has one number a port.
    return pods.map(
      ({ pod, address }): EndpointSlice => ({
        addressType: 'IPv4',
        metadata: { namespace, name: `${name}-${pod.name}`, labels: { [SERVICE_NAME_LABEL]: name } },
        ports: (service.spec?.ports ?? []).map((port) => ({
          name: port.name ?? '',
          port: numberOf(port, pod.containers),
          protocol: port.protocol ?? 'TCP',
        })),
        endpoints: [
          { addresses: [address], conditions: { ready: true }, targetRef: { kind: 'Pod', namespace, name: pod.name } },
        ],
      }),
    );
  });
}

/** Labels of the pods that workloads ask for, by `namespace/pod`. */
export function expectedLabels(objects: readonly KubeObject[]): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return new Map(
    objects.flatMap((object) =>
      podsOf(object).map(({ name, labels }) => [`${object.metadata?.namespace ?? ''}/${name}`, labels] as const),
    ),
  );
}

function podsOf(object: KubeObject): readonly ExpectedPod[] {
  const { kind = '' } = object;
  const name = object.metadata?.name ?? '';
  if (kind === 'Pod') return [expected(name, object as Pod)];
  if (!WORKLOADS.has(kind)) return [];
  // They differ in how they keep their pods, not in what these look like.
  const { spec } = object as Deployment;
  const count = Math.max(0, spec?.replicas ?? 1);
  const first = kind === 'StatefulSet' ? 0 : 1;
  return Array.from({ length: Math.min(count, MOST) }, (_, index) =>
    expected(`${name}-${first + index}`, spec?.template ?? {}),
  );
}

function expected(name: string, { metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): ExpectedPod {
  return { name, labels: metadata?.labels ?? {}, containers: spec?.containers ?? [] };
}

function numberOf({ port, targetPort = port }: ServicePort, containers: readonly Container[]): number {
  if (typeof targetPort === 'number') return targetPort;
  const named = containers.flatMap(({ ports = [] }) => ports).find((one) => one.name === targetPort);
  return named?.containerPort ?? port;
}
