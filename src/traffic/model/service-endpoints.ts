// From the EndpointSlices of a Service to the endpoints of one of its ports.
// Knows nothing of usability: which endpoints may take traffic is the engine's decision.
import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice, Endpoint as SliceEndpoint } from 'kubernetes-types/discovery/v1.js';
import { weightOf } from './endpoint-weight.ts';
import type { Endpoint } from './ir.ts';

/** Carried by every EndpointSlice: the Service that it belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/**
 * Endpoints in the order of their addresses, each once, of the Service's first IP family (of the other when that has
 * no slice: a pod of a dual-stack Service would count twice otherwise), and with them the pods that have an address of
 * the other family only.
 */
export function endpointsOf(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
): readonly Endpoint[] {
  const [first, other] = slicesByFamily(service, slices);
  const found = collect(first, port);
  if (other.length === 0) return found.sort(byAddress);
  const pods = new Set(found.map(({ pod }) => pod));
  // An endpoint that names no pod may be one that the first family has as well.
  const alone = collect(other, port).filter(({ pod }) => pod !== '' && !pods.has(pod));
  return [...found, ...alone].sort(byAddress);
}

function collect(slices: readonly EndpointSlice[], port: ServicePort): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    const number = numberOf(slice, port);
    if (number === undefined) continue;
    for (const source of slice.endpoints ?? []) {
      const endpoint = toEndpoint(source, number, slice);
      if (endpoint === undefined) continue;
      const key = `${endpoint.address} ${endpoint.port}`;
      // While a pod moves between slices it may stand in both: the one that says it is ready is the newer.
      if (found.get(key)?.ready !== true) found.set(key, endpoint);
    }
  }
  return [...found.values()];
}

/** Those of the family that is balanced over, and those of the other one. */
function slicesByFamily(
  service: Service,
  slices: readonly EndpointSlice[],
): readonly [readonly EndpointSlice[], readonly EndpointSlice[]] {
  const first = service.spec?.ipFamilies?.[0] ?? (service.spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4');
  const inFamily = slices.filter((slice) => slice.addressType === first);
  const other = slices.filter((slice) => slice.addressType !== first && slice.addressType !== 'FQDN');
  return inFamily.length > 0 ? [inFamily, other] : [other, []];
}

/** A slice names its ports as the Service does; the number behind a name may differ from slice to slice. */
export function numberOf(slice: EndpointSlice, port: ServicePort): number | undefined {
  const match = (slice.ports ?? []).find(
    (candidate) =>
      (candidate.name ?? '') === (port.name ?? '') && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
  );
  return match?.port;
}

function toEndpoint(source: SliceEndpoint, port: number, slice: EndpointSlice): Endpoint | undefined {
  // All addresses of an endpoint are the same one; upstream reads the first only.
  const address = source.addresses[0];
  if (address === undefined) return undefined;
  const { targetRef, conditions } = source;
  return {
    address,
    port,
    weight: weightOf(slice),
    pod: targetRef?.kind === 'Pod' ? `${targetRef.namespace ?? slice.metadata?.namespace}/${targetRef.name}` : '',
    node: source.nodeName ?? '',
    zone: source.zone ?? '',
    // Conditions left out: upstream's reading of an old slice.
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
  };
}

function byAddress(a: Endpoint, b: Endpoint): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.port - b.port;
}
