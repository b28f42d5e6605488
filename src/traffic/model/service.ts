// From one Service and its EndpointSlices to clusters, endpoints and layer-4 service ports.
// Knows no other Service and no Ingress, so that each Service can be translated alone.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { ServicePort as KubePort, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { appProtocolOf } from './app-protocol.ts';
import { defaultPolicy, defaultRetry, defaultTimeouts } from './cluster-defaults.ts';
import { weightProblems } from './endpoint-weight.ts';
import { holdOf } from './hold.ts';
import type { Cluster, Endpoint, ServicePort } from './ir.ts';
import { drainOf } from './l4/drain.ts';
import { clusterName, servicePortName } from './names.ts';
import type { BackendPolicies } from './policy/backend-policies.ts';
import { type ClusterChanges, overlay } from './policy/changes.ts';
import { affinitySecondsOf, DEFAULT_AFFINITY_SECONDS, servicePolicy } from './policy/service-policy.ts';
import type { Problem } from './problem.ts';
import { endpointsOf } from './service-endpoints.ts';

export interface ServicePart {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly services: ReadonlyMap<string, ServicePort>;
  readonly problems: readonly Problem[];
}

/** Labels with which a Service leaves layer 4 to someone else; upstream: pkg/proxy/apis/well_known_labels.go. */
const NOT_OURS_LABELS = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'];

/**
 * A headless Service yields clusters without service ports: an Ingress may balance over it, layer 4 has no address
 * to serve. So does an ExternalName Service, whose slices are
 * what its name has for addresses.
 */
export function translateService(
  service: Service,
  slices: readonly EndpointSlice[],
  autoscalers: readonly HorizontalPodAutoscaler[] = [],
  policies?: BackendPolicies,
): ServicePart {
  const clusters = new Map<string, Cluster>();
  const endpoints = new Map<string, readonly Endpoint[]>();
  const services = new Map<string, ServicePort>();
  const key = objectKey(service);
  const policy = servicePolicy(service, policies);
  const { hold, problems: holdProblems } = holdOf(service, autoscalers);
  for (const port of service.spec?.ports ?? []) {
    const name = clusterName(key, port);
    const plain: Cluster = {
      name,
      policy: defaultPolicy,
      upstreamProtocol: upstreamProtocol(port),
      timeouts: defaultTimeouts,
      retry: defaultRetry,
      ...(hold === undefined ? {} : { hold }),
    };
    const changes = changesFor(port, policy.of(port));
    clusters.set(name, overlay(plain, changes));
    endpoints.set(name, endpointsOf(service, port, slices));
    if (isProxied(service)) services.set(servicePortName(key, port), toServicePort(service, port, name, changes));
  }
  return {
    clusters,
    endpoints,
    services,
    problems: [...policy.problems, ...holdProblems, ...drainOf(service).problems, ...weightProblems(service, slices)],
  };
}

function isProxied(service: Service): boolean {
  const { clusterIP = '' } = service.spec ?? {};
  const labels = service.metadata?.labels ?? {};
  return clusterIP !== '' && clusterIP !== 'None' && !NOT_OURS_LABELS.some((label) => label in labels);
}

/** Of Kubernetes (KEP-3726), and as people write it for gRPC: HTTP/2 without TLS and without an upgrade. */
const HTTP2_PROTOCOLS = ['kubernetes.io/h2c', 'grpc'];
const HTTP1_PROTOCOLS = ['http', 'kubernetes.io/ws'];

/** HTTP unless the port says otherwise: what an Ingress points to speaks HTTP, and layer 4 does not ask. */
function upstreamProtocol(port: KubePort): Cluster['upstreamProtocol'] {
  const { protocol = 'TCP' } = port;
  if (protocol === 'UDP') return 'udp';
  const app = appProtocolOf(port) || 'http';
  if (protocol === 'TCP' && HTTP2_PROTOCOLS.includes(app)) return 'http2';
  return protocol === 'TCP' && HTTP1_PROTOCOLS.includes(app) ? 'http1' : 'tcp';
}

/** Only what is carried over TCP may be HTTP. */
function changesFor({ protocol = 'TCP' }: KubePort, changes: ClusterChanges = {}): ClusterChanges {
  if (protocol === 'TCP') return changes;
  const { upstreamProtocol: _http, ...rest } = changes;
  return rest;
}

function toServicePort(service: Service, port: KubePort, cluster: string, changes: ClusterChanges): ServicePort {
  const { spec = {}, status } = service;
  const balancerIPs = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    // With ipMode Proxy the load balancer wants to see the traffic itself.
    ip === undefined || ip === '' || ipMode === 'Proxy' ? [] : [ip],
  );
  return {
    name: servicePortName(objectKey(service), port),
    protocol: port.protocol === 'UDP' || port.protocol === 'SCTP' ? port.protocol : 'TCP',
    port: port.port,
    clusterIPs: spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]),
    externalIPs: spec.externalIPs ?? [],
    loadBalancerIPs: balancerIPs,
    nodePort: port.nodePort ?? 0,
    cluster,
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
        : affinitySecondsOf(changes),
  };
}
