// Makes a server of metrics known to the API server: an APIService for each group, and a Service where it needs one.
// Knows the objects; writes nothing that is as it should be already.
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';

const MANAGER = 'evenkeel-metrics-server';
const API_SERVICES: ResourceRef = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resource: 'apiservices',
  kind: 'APIService',
  namespaced: false,
};

/** What is served, by the names that people choose by. */
export const APIS = {
  resource: { group: 'metrics.k8s.io', version: 'v1beta1' },
  custom: { group: 'custom.metrics.k8s.io', version: 'v1beta2' },
  external: { group: 'external.metrics.k8s.io', version: 'v1beta1' },
} as const;

export type ApiName = keyof typeof APIS;

export interface Registering {
  readonly service: { readonly namespace: string; readonly name: string };
  readonly apis: readonly ApiName[];
  /** Of the certificate that is served with. */
  readonly caPem: string;
  /** Where this process is reached, when no pod is behind the Service. */
  readonly endpoint: { readonly address: string; readonly port: number } | undefined;
}

export async function register(client: Client, { service, apis, caPem, endpoint }: Registering): Promise<void> {
  const apply = (ref: ResourceRef, object: KubeObject): Promise<unknown> => {
    const { name = '', namespace } = object.metadata ?? {};
    return client.patch(ref, name, namespace, 'apply', object, { fieldManager: MANAGER, force: true });
  };
  if (endpoint !== undefined) {
    const { namespace, name } = service;
    const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: endpoint.port }];
    await apply(builtin('Service'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { ports },
    } as KubeObject);
    await apply(builtin('EndpointSlice'), {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        // One for each address: copies of this process stand side by side.
        name: `${name}-${createHash('sha256').update(endpoint.address).digest('hex').slice(0, 8)}`,
        namespace,
        labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': MANAGER },
      },
      addressType: isIPv6(endpoint.address) ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [endpoint.address], conditions: { ready: true } }],
      ports: [{ name: 'https', port: endpoint.port, protocol: 'TCP' }],
    } as KubeObject);
  }
  for (const api of apis) {
    const { group, version } = APIS[api];
    await apply(API_SERVICES, {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `${version}.${group}` },
      spec: {
        group,
        version,
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: Buffer.from(caPem).toString('base64'),
        service: { ...service, port: 443 },
      },
    } as KubeObject);
  }
}
