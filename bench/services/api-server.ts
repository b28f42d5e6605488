// An API server of Services and their EndpointSlices alone, as large as wanted: lists in pages, and watches that tell.
// Objects are made while they are asked for, with all the fields that a cluster's have; nothing is kept but changes.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { clusterIp, podIp } from './cluster.ts';

const MADE = '2026-11-26T10:00:00Z';
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';

export interface FakeApi {
  readonly port: number;
  /** Tells those who watch slices that this one has changed; `pods` are the numbers of its addresses, or addresses. */
  changeSlice(number: number, pods: readonly (number | string)[]): void;
  close(): void;
}

export async function serveApi(count: number, override: ReadonlyMap<number, string>): Promise<FakeApi> {
  let version = 1_000_000;
  const watchers = new Map<string, Set<ServerResponse>>();
  const podsOf = (at: number): readonly (number | string)[] => {
    const own = override.get(at);
    return own === undefined ? [2 * at, 2 * at + 1] : [own];
  };
  const lists: Readonly<Record<string, (at: number) => object>> = {
    '/api/v1/services': (at) => serviceObject(at, 1_000 + at),
    [SLICES]: (at) => sliceObject(at, 500_000 + at, podsOf(at)),
  };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://api');
    response.setHeader('Content-Type', 'application/json');
    if (url.searchParams.get('watch') !== null) {
      const own = watchers.get(url.pathname) ?? new Set();
      watchers.set(url.pathname, own.add(response));
      request.once('close', () => own.delete(response));
      response.flushHeaders();
      return;
    }
    const make = lists[url.pathname];
    const from = Number(url.searchParams.get('continue') ?? 0);
    const until = make === undefined ? 0 : Math.min(count, from + Number(url.searchParams.get('limit') ?? count));
    const items = Array.from({ length: until - from }, (_, at) => make?.(from + at));
    const metadata = { resourceVersion: String(version), ...(until < count ? { continue: String(until) } : {}) };
    response.end(
      JSON.stringify({
        kind: 'List',
        apiVersion: 'v1',
        metadata: make === undefined ? { resourceVersion: '1' } : metadata,
        items,
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    changeSlice: (number, pods) => {
      const object = sliceObject(number, ++version, pods, new Date().toISOString());
      for (const response of watchers.get(SLICES) ?? [])
        response.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const uid = (kind: number, at: number): string =>
  `${String(kind).padStart(8, '0')}-0000-4000-8000-${String(at).padStart(12, '0')}`;

function managed(manager: string, fields: object): object[] {
  return [{ manager, operation: 'Update', apiVersion: 'v1', time: MADE, fieldsType: 'FieldsV1', fieldsV1: fields }];
}

function serviceObject(at: number, version: number): object {
  const name = `service-${at}`;
  const labels = { app: name, 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'Helm' };
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace: 'shop',
      uid: uid(1, at),
      resourceVersion: String(version),
      creationTimestamp: MADE,
      labels,
      annotations: { 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': 'shop' },
      managedFields: managed('helm', {
        'f:metadata': { 'f:annotations': { '.': {} }, 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:internalTrafficPolicy': {},
          'f:ports': { '.': {}, 'k:{"port":80,"protocol":"TCP"}': { '.': {} } },
        },
      }),
    },
    spec: {
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      selector: { app: name },
      clusterIP: clusterIp(at),
      clusterIPs: [clusterIp(at)],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  };
}

function sliceObject(at: number, version: number, pods: readonly (number | string)[], changed = MADE): object {
  const name = `service-${at}`;
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      name: `${name}-abcde`,
      generateName: `${name}-`,
      namespace: 'shop',
      uid: uid(2, at),
      resourceVersion: String(version),
      generation: 1,
      creationTimestamp: MADE,
      labels: {
        app: name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': name,
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': changed },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Service', name, uid: uid(1, at), controller: true, blockOwnerDeletion: true },
      ],
      managedFields: managed('kube-controller-manager', {
        'f:addressType': {},
        'f:endpoints': {},
        'f:metadata': { 'f:labels': { '.': {}, 'f:kubernetes.io/service-name': {} }, 'f:ownerReferences': { '.': {} } },
        'f:ports': {},
      }),
    },
    addressType: 'IPv4',
    endpoints: pods.map((pod, place) => ({
      addresses: [typeof pod === 'string' ? pod : podIp(pod)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${(at + place) % 500}`,
      zone: `zone-${(at + place) % 3}`,
      targetRef: { kind: 'Pod', namespace: 'shop', name: `${name}-7d9c5b-${place}x2k4`, uid: uid(3, 2 * at + place) },
    })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}
