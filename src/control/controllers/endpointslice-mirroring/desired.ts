// The slices that say the same as Endpoints which somebody wrote by hand.
// Pure. Upstream: pkg/controller/endpointslicemirroring.
import ipaddr from 'ipaddr.js';
import type { EndpointAddress, Endpoints, Service } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointPort } from 'kubernetes-types/discovery/v1.js';

/** As upstream's --mirroring-max-endpoints-per-subset; what is beyond is left out. */
const MAX_ENDPOINTS = 1000;

const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
/** Made by the endpoints controller, out of pods that have slices as well. */
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';

export interface MirroredSlice {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** Those of Services without a selector; the others have slices of their own. */
export function isMirrored(service: Service | undefined, endpoints: Endpoints | undefined): endpoints is Endpoints {
  const { labels = {}, annotations = {}, deletionTimestamp } = endpoints?.metadata ?? {};
  if (service === undefined || endpoints === undefined || deletionTimestamp !== undefined) return false;
  if (Object.keys(service.spec?.selector ?? {}).length > 0) return false;
  return labels[SKIP] !== 'true' && labels[MANAGED_BY] === undefined && annotations[LEADER] === undefined;
}

/** One slice for each family and set of ports; an address that is none is left out. */
export function mirroredSlices(endpoints: Endpoints): MirroredSlice[] {
  const slices = new Map<string, { slice: MirroredSlice; endpoints: Map<string, Endpoint> }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const slicePorts = ports.map(({ name = '', protocol = 'TCP', ...port }) => ({ ...port, name, protocol }));
    const add = (address: EndpointAddress, ready: boolean): void => {
      if (!ipaddr.isValid(address.ip)) return;
      const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4';
      const key = `${addressType} ${JSON.stringify(slicePorts)}`;
      const known = slices.get(key) ?? {
        slice: { addressType, ports: slicePorts, endpoints: [] },
        endpoints: new Map<string, Endpoint>(),
      };
      slices.set(key, known);
      if (known.endpoints.size < MAX_ENDPOINTS) known.endpoints.set(address.ip, endpointOf(address, ready));
    };
    for (const address of notReadyAddresses) add(address, false);
    for (const address of addresses) add(address, true);
  }
  return [...slices.values()].map((each) => ({ ...each.slice, endpoints: [...each.endpoints.values()] }));
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
