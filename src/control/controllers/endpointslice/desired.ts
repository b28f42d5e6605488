// What a Service's endpoints should be, from its pods and their nodes. Upstream: endpointslice/utils.go, reconciler.go.
// Pure; knows nothing of the slices that exist.
import type { Node, Pod, Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointPort } from 'kubernetes-types/discovery/v1.js';
import { isPodFinished, isPodReady } from '../common/pods.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share one set of resolved ports; a named target port may resolve differently from pod to pod. */
export interface PortGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const ZONE = 'topology.kubernetes.io/zone';

/** Whether this controller makes slices for the Service: it has a selector and is not just an alias. */
export function isManaged(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;
}

export function addressTypes(service: Service): AddressType[] {
  const families = service.spec?.ipFamilies ?? [];
  if (families.length > 0) return families.map((family) => (family === 'IPv6' ? 'IPv6' : 'IPv4'));
  return (service.spec?.clusterIP ?? '').includes(':') ? ['IPv6'] : ['IPv4'];
}

/** Groups in the order of the pods; pods are sorted by name, so that equal input gives equal output. */
export function desiredGroups(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
  type: AddressType,
): PortGroup[] {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Endpoint[] }>();
  const lenient = service.spec?.publishNotReadyAddresses === true;
  for (const pod of [...pods].sort(byName)) {
    const address = addressOf(pod, type);
    if (address === undefined || !shouldBeListed(pod)) continue;
    const nodeName = pod.spec?.nodeName;
    const node = nodeName === undefined ? undefined : nodeOf(nodeName);
    // A pod whose node is gone serves nobody, unless the Service asks for every address there is.
    if (nodeName !== undefined && node === undefined && !lenient) continue;
    const ports = endpointPorts(service, pod);
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (group === undefined) {
      group = { ports, endpoints: [] };
      groups.set(key, group);
    }
    group.endpoints.push(endpointOf(service, pod, node, address));
  }
  return [...groups.values()];
}

function byName(a: Pod, b: Pod): number {
  const nameA = a.metadata?.name ?? '';
  const nameB = b.metadata?.name ?? '';
  return nameA < nameB ? -1 : Number(nameA > nameB);
}

/** Pods that are being stopped stay listed, marked as terminating; finished ones do not. */
function shouldBeListed(pod: Pod): boolean {
  return !isPodFinished(pod);
}

/** The pod's address of that family. */
export function addressOf(pod: Pod, type: AddressType): string | undefined {
  const all = pod.status?.podIPs?.map((entry) => entry.ip) ?? [];
  const addresses = all.length > 0 ? all : [pod.status?.podIP];
  return addresses.find((ip) => ip !== undefined && ip !== '' && ip.includes(':') === (type === 'IPv6'));
}

function endpointOf(service: Service, pod: Pod, node: Node | undefined, address: string): Endpoint {
  const { name, namespace, uid, deletionTimestamp } = pod.metadata ?? {};
  const serving = isPodReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const zone = node?.metadata?.labels?.[ZONE];
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const named = hostname !== undefined && hostname !== '' && subdomain === service.metadata?.name;
  return {
    addresses: [address],
    conditions: {
      ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

/** Ports of the Service as this pod serves them; a named port that the pod does not have is left out. */
export function endpointPorts(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPort(port, pod);
    if (number === undefined) continue;
    const { appProtocol } = port;
    ports.push({
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(appProtocol === undefined ? {} : { appProtocol }),
    });
  }
  return ports;
}

function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const { targetPort: target, protocol = 'TCP' } = port;
  // Absent, 0 and '' mean the port of the Service itself.
  if (target === undefined || target === 0 || target === '') return port.port;
  if (typeof target === 'number') return target;
  const containers = [
    ...(pod.spec?.containers ?? []),
    // Sidecars serve for the pod's whole life; other init containers never serve.
    ...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
  ];
  for (const container of containers) {
    const found = container.ports?.find(
      (candidate) => candidate.name === target && (candidate.protocol ?? 'TCP') === protocol,
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** Zone and node hints by spec.trafficDistribution (upstream: endpointslice/trafficdist); none without it. */
export function withHints(service: Service, groups: readonly PortGroup[]): PortGroup[] {
  const { trafficDistribution } = service.spec ?? {};
  const sameNode = trafficDistribution === 'PreferSameNode';
  const sameZone = trafficDistribution === 'PreferClose' || trafficDistribution === 'PreferSameZone';
  if (!sameNode && !sameZone) return [...groups];
  return groups.map(({ ports, endpoints }) => ({
    ports,
    endpoints: endpoints.map((endpoint) => {
      const { zone, nodeName, conditions } = endpoint;
      if (conditions?.ready !== true) return endpoint;
      const hints = {
        ...(zone === undefined ? {} : { forZones: [{ name: zone }] }),
        ...(sameNode && nodeName !== undefined ? { forNodes: [{ name: nodeName }] } : {}),
      };
      return Object.keys(hints).length === 0 ? endpoint : { ...endpoint, hints };
    }),
  }));
}
