// The Service by which everybody knows the cluster's DNS, with its EndpointSlices: `kube-dns` in kube-system.
// Knows their shape only. The label leaves the Service to its own server: no Service driver takes its port away.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';

export const DNS_PORT = 53;
export const METRICS_PORT = 9153;

const NAME = 'kube-dns';
const NAMESPACE = 'kube-system';
const SERVED_BY = { 'service.kubernetes.io/service-proxy-name': 'evenkeel-dns' };
const PORTS = [
  { name: 'dns', port: DNS_PORT, protocol: 'UDP' },
  { name: 'dns-tcp', port: DNS_PORT, protocol: 'TCP' },
  { name: 'metrics', port: METRICS_PORT, protocol: 'TCP' },
];

/** At addresses that are not `served` nobody listens, and the slices say so. An object of before is brought up to date. */
export async function ensureDnsObjects(
  client: Client,
  addresses: readonly string[],
  served: readonly string[],
): Promise<void> {
  await ensureService(client, addresses);
  await Promise.all(addresses.map((address) => ensureSlice(client, address, served.includes(address))));
}

async function ensureService(client: Client, addresses: readonly string[]): Promise<void> {
  const services = builtin('Service');
  const families = addresses.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4'));
  const service: Service & KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: NAME,
      namespace: NAMESPACE,
      labels: {
        'k8s-app': NAME,
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'KubeDNS',
        ...SERVED_BY,
      },
    },
    spec: {
      clusterIP: addresses[0] ?? '',
      clusterIPs: [...addresses],
      ipFamilies: families,
      ipFamilyPolicy: families.length > 1 ? 'RequireDualStack' : 'SingleStack',
      ports: PORTS,
    },
  };
  const known = await find<Service & KubeObject>(client, services, NAME);
  const { clusterIPs = [] } = known?.spec ?? {};
  if (known !== undefined && clusterIPs.join() === addresses.join()) return;
  // The range has changed since the last start, and an address cannot.
  if (known !== undefined) await client.delete(services, NAME, NAMESPACE);
  await client.create(services, service);
}

async function ensureSlice(client: Client, address: string, served: boolean): Promise<void> {
  const slices = builtin('EndpointSlice');
  const addressType = address.includes(':') ? 'IPv6' : 'IPv4';
  const name = `${NAME}-${addressType.toLowerCase()}`;
  const slice: EndpointSlice & KubeObject = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: {
        'k8s-app': NAME,
        'kubernetes.io/service-name': NAME,
        'endpointslice.kubernetes.io/managed-by': 'dns.evenkeel.dev',
        ...SERVED_BY,
      },
    },
    addressType,
    endpoints: served ? [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false } }] : [],
    ports: PORTS,
  };
  const known = await find<EndpointSlice & KubeObject>(client, slices, name);
  if (known === undefined) await client.create(slices, slice);
  else {
    const resourceVersion = known.metadata?.resourceVersion ?? '';
    await client.update(slices, { ...slice, metadata: { ...slice.metadata, resourceVersion } });
  }
}

async function find<T extends KubeObject>(client: Client, ref: ResourceRef, name: string): Promise<T | undefined> {
  try {
    return await client.get<T>(ref, name, NAMESPACE);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}
