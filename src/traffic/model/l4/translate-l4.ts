// From one Service and its EndpointSlices to what layer 4 serves of it, a family at a time.
// Knows no node: which endpoints may take traffic where is compiled for each node (traffic/snapshot/rules).
import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { canonicalCidr, canonicalIp, type Family, familyOf } from '#lib/ip.ts';
import { portLabel, servicePortName } from '../names.ts';
import type { BackendPolicies } from '../policy/backend-policies.ts';
import {
  affinitySecondsOf,
  DEFAULT_AFFINITY_SECONDS,
  type ServicePolicy,
  servicePolicy,
} from '../policy/service-policy.ts';
import { drainOf } from './drain.ts';
import { l4Endpoints } from './endpoints.ts';
import type { L4Protocol, L4ServicePort } from './service-port.ts';

/** Labels with which an object leaves layer 4 to someone else; upstream: pkg/proxy/apis/well_known_labels.go. */
export const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];
/** One list for all that have none. */
const NONE: readonly string[] = [];

/** Keyed by name. Nothing for a Service that is headless, an ExternalName, or somebody else's. */
export function translateL4(
  service: Service,
  slices: readonly EndpointSlice[],
  policies?: BackendPolicies,
): ReadonlyMap<string, L4ServicePort> {
  const found = new Map<string, L4ServicePort>();
  if (!isProxied(service)) return found;
  const own = slices.filter(isOurs);
  const policy = servicePolicy(service, policies);
  for (const family of FAMILIES) {
    const shared = sharedOf(service, family);
    if (shared === undefined) continue;
    const inFamily = own.filter(({ addressType }) => addressType === family);
    for (const port of service.spec?.ports ?? []) {
      const one = toPort(service, port, { ...shared, ...balancingOf(service, port, policy) }, inFamily);
      found.set(one.name, one);
    }
  }
  return found;
}

function isProxied(service: Service): boolean {
  const { clusterIP = '', type } = service.spec ?? {};
  return type !== 'ExternalName' && clusterIP !== '' && clusterIP !== 'None' && isOurs(service);
}

function isOurs({ metadata }: Service | EndpointSlice): boolean {
  const labels = metadata?.labels ?? {};
  return !(PROXY_NAME_LABEL in labels) && !(HEADLESS_LABEL in labels);
}

/** What all ports of a Service share in a family; undefined when it has no address there. */
type Shared = Pick<
  L4ServicePort,
  'family' | 'clusterIP' | 'externalIPs' | 'loadBalancerIPs' | 'loadBalancerSources' | 'drainMs'
>;

function sharedOf(service: Service, family: Family): Shared | undefined {
  const { spec = {}, status } = service;
  const ours = (addresses: readonly (string | undefined)[]): readonly string[] => {
    if (addresses.length === 0) return NONE;
    const found = addresses.flatMap((text = '') => {
      const address = familyOf(text) === family ? canonicalIp(text) : undefined;
      return address === undefined ? [] : [address];
    });
    return found.length === 0 ? NONE : [...new Set(found)];
  };
  const [clusterIP = ''] = ours(spec.clusterIPs ?? [spec.clusterIP]);
  const externalIPs = ours(spec.externalIPs ?? []);
  const balancers = spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : [];
  // With ipMode Proxy the load balancer wants to see the traffic itself.
  const loadBalancerIPs = ours(balancers.filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip));
  if (clusterIP === '' && externalIPs.length === 0 && loadBalancerIPs.length === 0) return undefined;
  return {
    family,
    clusterIP,
    externalIPs,
    loadBalancerIPs,
    loadBalancerSources: sourcesOf(service, family),
    drainMs: drainOf(service).ms,
  };
}

type Balancing = Pick<L4ServicePort, 'affinitySeconds' | 'pick'>;
const HASHING = ['ip_hash', 'ring_hash', 'maglev'];

/** What there is of policies at layer 4: the same endpoint for a client, by hashing or by memory. */
function balancingOf({ spec = {} }: Service, port: ServicePort, policy: ServicePolicy): Balancing {
  const changes = policy.of(port) ?? {};
  return {
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
        : affinitySecondsOf(changes),
    pick: changes.policy !== undefined && HASHING.includes(changes.policy.type) ? 'source_hash' : 'random',
  };
}

/** A range of all addresses is no restriction, and neither are ranges of the other family alone (upstream). */
function sourcesOf({ spec = {} }: Service, family: Family): readonly string[] | undefined {
  const ranges = (spec.loadBalancerSourceRanges ?? [])
    .map((text) => text.trim())
    .filter((text) => familyOf(text) === family)
    .flatMap((text) => canonicalCidr(text) ?? []);
  return ranges.length === 0 || ranges.some((range) => range.endsWith('/0')) ? undefined : [...new Set(ranges)].sort();
}

function toPort(
  service: Service,
  port: ServicePort,
  shared: Shared & Balancing,
  slices: readonly EndpointSlice[],
): L4ServicePort {
  const { spec = {} } = service;
  const key = objectKey(service);
  const protocol = protocolOf(port);
  // Upstream: pkg/api/v1/service/util.go, ExternallyAccessible.
  const fromOutside = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  const externalLocal = fromOutside && spec.externalTrafficPolicy === 'Local';
  const named = servicePortName(key, port);
  return {
    ...shared,
    name: `${named}/${protocol}/${shared.family}`,
    service: key,
    portName: portLabel(port),
    protocol,
    port: port.port,
    nodePort: port.nodePort ?? 0,
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal,
    endpoints: l4Endpoints(port, slices),
    healthCheckNodePort: spec.type === 'LoadBalancer' && externalLocal ? (spec.healthCheckNodePort ?? 0) : 0,
  };
}

function protocolOf({ protocol }: ServicePort): L4Protocol {
  return protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP';
}
