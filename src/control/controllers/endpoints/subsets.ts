// The addresses of a Service in the old Endpoints form, out of the same facts as its slices.
// Pure; upstream: pkg/controller/endpoint and endpoints.RepackSubsets.
import type { EndpointAddress, EndpointSubset, Pod, Service } from 'kubernetes-types/core/v1.js';
import { isPodFinished, isPodReady } from '../common/pods.ts';
import { addressOf, addressTypes, endpointPorts } from '../endpointslice/desired.ts';

/** More addresses than this are cut off, and an annotation says so. */
export const MAX_ADDRESSES = 1000;

/** Terminating pods are left out, unless the Service publishes every address. Ports that differ make several subsets. */
export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const lenient = service.spec?.publishNotReadyAddresses === true;
  const subsets = new Map<string, EndpointSubset>();
  // Endpoints are of before there were two families: they hold the Service's first.
  const [family = 'IPv4'] = addressTypes(service);
  for (const pod of [...pods].sort(byName)) {
    const ip = addressOf(pod, family);
    if (ip === undefined || isPodFinished(pod)) continue;
    if (pod.metadata?.deletionTimestamp !== undefined && !lenient) continue;
    const ports = endpointPorts(service, pod).map(({ name, ...port }) => ({
      ...(name === undefined || name === '' ? {} : { name }),
      ...port,
      port: port.port ?? 0,
    }));
    const headlessWithoutPorts = service.spec?.clusterIP === 'None' && (service.spec.ports ?? []).length === 0;
    if (ports.length === 0 && !headlessWithoutPorts) continue;
    const key = JSON.stringify(ports);
    const subset = subsets.get(key) ?? (ports.length === 0 ? {} : { ports });
    subsets.set(key, subset);
    if (lenient || isPodReady(pod)) subset.addresses = [...(subset.addresses ?? []), endpointAddress(service, pod, ip)];
    else subset.notReadyAddresses = [...(subset.notReadyAddresses ?? []), endpointAddress(service, pod, ip)];
  }
  return [...subsets.values()];
}

function endpointAddress(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { name, namespace, uid } = pod.metadata ?? {};
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const named = hostname !== undefined && hostname !== '' && subdomain === service.metadata?.name;
  return {
    ip,
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

/** At most `max` addresses in all, ready ones first. `cut` says whether some were left out. */
export function truncate(subsets: readonly EndpointSubset[], max: number): { subsets: EndpointSubset[]; cut: boolean } {
  const count = subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  );
  if (count <= max) return { subsets: [...subsets], cut: false };
  let left = max;
  const take = (list: readonly EndpointAddress[] = []): EndpointAddress[] => {
    const taken = list.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses }) => take(addresses));
  const kept = subsets.map(({ ports, notReadyAddresses }, i): EndpointSubset => {
    const addresses = ready[i] ?? [];
    const notReady = take(notReadyAddresses);
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports === undefined ? {} : { ports }),
    };
  });
  return {
    subsets: kept.filter((subset) => subset.addresses !== undefined || subset.notReadyAddresses !== undefined),
    cut: true,
  };
}

function byName(a: Pod, b: Pod): number {
  const nameA = a.metadata?.name ?? '';
  const nameB = b.metadata?.name ?? '';
  return nameA < nameB ? -1 : Number(nameA > nameB);
}
