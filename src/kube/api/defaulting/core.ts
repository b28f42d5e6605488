// Defaults of the core kinds other than pods.
// Upstream source of the rules: pkg/apis/core/v1/defaults.go; addresses and node ports are allocated elsewhere.
import type {
  Endpoints,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  Secret,
  Service,
} from 'kubernetes-types/core/v1.js';
import { fill, fillZero } from './fill.ts';
import { podTemplateDefaults } from './pod.ts';
import { claimSpecDefaults, persistentVolumeSpecDefaults } from './volume.ts';

/** Three hours: how long a client sticks to an endpoint of a Service with ClientIP affinity. */
const affinitySeconds = 10_800;

export function serviceDefaults(service: Service): void {
  service.spec ??= {};
  const { spec } = service;
  fillZero(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    fill(spec.sessionAffinityConfig.clientIP, { timeoutSeconds: affinitySeconds });
  }
  for (const port of spec.ports ?? []) {
    fillZero(port, { protocol: 'TCP' });
    fillZero(port, { targetPort: port.port });
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const reachable = external || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  if (reachable) fillZero(spec, { externalTrafficPolicy: 'Cluster' });
  if (external || spec.type === 'ClusterIP') fill(spec, { internalTrafficPolicy: 'Cluster' });
  if (spec.type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
  fill(service, { status: {} });
  fill(service.status ?? {}, { loadBalancer: {} });
  if (spec.type === 'LoadBalancer') addressModes(service);
}

/** Unless a load balancer says otherwise, packets for its address arrive with that address. */
function addressModes(service: Service): void {
  for (const address of service.status?.loadBalancer?.ingress ?? []) {
    if (address.ip) fill(address, { ipMode: 'VIP' });
  }
}

export function endpointsDefaults(endpoints: Endpoints): void {
  for (const subset of endpoints.subsets ?? []) {
    for (const port of subset.ports ?? []) fillZero(port, { protocol: 'TCP' });
  }
}

export function secretDefaults(secret: Secret): void {
  fillZero(secret, { type: 'Opaque' });
}

export function namespaceDefaults(namespace: Namespace): void {
  const name = namespace.metadata?.name;
  if (namespace.metadata !== undefined && name) {
    namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': name };
  }
  namespace.spec ??= {};
  fill(namespace, { status: {} });
  fillZero(namespace.status ?? {}, { phase: 'Active' });
}

export function nodeDefaults(node: Node): void {
  node.spec ??= {};
  fill(node, { status: {} });
  const { capacity } = node.status ?? {};
  if (capacity !== undefined) fill(node.status ?? {}, { allocatable: { ...capacity } });
}

export function replicationControllerDefaults(controller: ReplicationController): void {
  const { spec, metadata } = controller;
  if (spec === undefined) return;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (metadata !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  fill(spec, { replicas: 1 });
  podTemplateDefaults(spec.template);
  fill(controller, { status: { replicas: 0 } });
}

export function standalonePodTemplateDefaults(podTemplate: PodTemplate): void {
  podTemplateDefaults(podTemplate.template);
}

export function persistentVolumeDefaults(volume: PersistentVolume): void {
  fill(volume, { status: {} });
  fillZero(volume.status ?? {}, { phase: 'Pending' });
  if (volume.spec !== undefined) persistentVolumeSpecDefaults(volume.spec);
}

export function persistentVolumeClaimDefaults(claim: PersistentVolumeClaim): void {
  fill(claim, { status: {} });
  fillZero(claim.status ?? {}, { phase: 'Pending' });
  claimSpecDefaults(claim.spec);
}

/** A container's limit defaults to the most it may have, its request to the limit, and then to the least. */
export function limitRangeDefaults(range: LimitRange): void {
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    item.default = { ...item.max, ...item.default };
    item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
  }
}
