// What the benchmark of routes puts into the cluster: an echo server behind a Gateway, and as many routes as are asked for.
// Data alone; nothing is started.

import { gatewayResource } from '../../src/kube/api/gateway/resources.ts';
import type { KubeObject } from '../../src/kube/api/object.ts';

export const ROUTES = gatewayResource('HTTPRoute');
export const GATEWAYS = gatewayResource('Gateway');
export const NAMESPACE = 'default';
/** Its hosts belong to nobody else; `.bench` is not a domain. */
export const USED_HOST = 'used.bench';
/** What a pod waits for besides its containers: the benchmark alone says it. */
export const GATE = 'bench.evenkeel.dev/ready';
const PORT = 8080;
/** Ranges of its own, so that the benchmark can run beside a cluster. */
const RANGES = [
  ['--pod-cidr', '127.220.0.0/24'],
  ['--service-cidr', '127.221.0.0/16'],
  ['--lb-pool', '127.222.0.0/28'],
].flat();

export const UP_ARGS: readonly string[] = ['-', '--network', 'loopback', ...RANGES];

/** `namespaces` are the first of those that routes are spread over. */
export function manifestsOf(namespaces: number): string {
  const spaces = Array.from(
    { length: namespaces },
    (_, at) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${namespaceOf(at, namespaces)} }\n---\n`,
  );
  // A grant takes sixteen at most.
  const grants = spaces.map((_, at) => grantTo(namespaceOf(at, namespaces)));
  return `${spaces.join('')}apiVersion: apps/v1
kind: Deployment
metadata: { name: echo, namespace: ${NAMESPACE} }
spec:
  replicas: 1
  selector: { matchLabels: { app: echo } }
  template:
    metadata: { labels: { app: echo } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: echo, image: evenkeel.dev/echo }]
---
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: ${NAMESPACE} }
spec: { selector: { app: echo }, ports: [{ port: 80, targetPort: ${PORT} }] }
---
apiVersion: v1
kind: Service
metadata: { name: gated, namespace: ${NAMESPACE} }
spec: { selector: { app: gated }, ports: [{ port: 80, targetPort: ${PORT} }] }
---
${grants.join('')}apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: front, namespace: ${NAMESPACE} }
spec:
  gatewayClassName: evenkeel
  listeners:
    - { name: http, protocol: HTTP, port: ${PORT}, allowedRoutes: { namespaces: { from: All } } }
`;
}

function grantTo(namespace: string): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: ${namespace}, namespace: ${NAMESPACE} }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ${namespace} }]
  to: [{ group: "", kind: Service, name: echo }]
---
`;
}

export function gatewayUrl(address: string): string {
  return `http://${address}:${PORT}`;
}

/** Routes are spread over namespaces in turn. */
export function namespaceOf(index: number, namespaces: number): string {
  return `team-${index % namespaces}`;
}

export interface RouteWish {
  readonly name: string;
  readonly namespace: string;
  readonly host: string;
  /** Name of the Service; that of the echo server when left out. */
  readonly service?: string;
  /** Answers say it in the header `x-edit`. */
  readonly edit?: number;
}

/** One of those that are just there: two rules, three matches and a filter, as routes of people have. */
export function standingRoute(index: number, namespaces: number): KubeObject {
  const host = hostOf(index);
  const backendRefs = [{ name: 'echo', namespace: NAMESPACE, port: 80 }];
  return routeObject({ name: `route-${index}`, namespace: namespaceOf(index, namespaces), host }, [
    {
      matches: [
        { path: { type: 'PathPrefix', value: `/api/v${index % 7}` } },
        { path: { type: 'Exact', value: '/health' }, headers: [{ name: 'x-canary', value: 'always' }] },
      ],
      filters: [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: { set: [{ name: 'x-route', value: `route-${index}` }] },
        },
      ],
      backendRefs,
    },
    { backendRefs },
  ]);
}

export function hostOf(index: number): string {
  return `host-${index}.bench`;
}

export function plainRoute(wish: RouteWish): KubeObject {
  return routeObject(wish, rulesOf(wish));
}

/** The rules of a route that says in its answers which edit it is. */
export function rulesOf({ service = 'echo', edit }: Pick<RouteWish, 'service' | 'edit'>): readonly object[] {
  const filters =
    edit === undefined
      ? []
      : [
          {
            type: 'ResponseHeaderModifier',
            responseHeaderModifier: { set: [{ name: 'x-edit', value: String(edit) }] },
          },
        ];
  return [{ filters, backendRefs: [{ name: service, namespace: NAMESPACE, port: 80 }] }];
}

function routeObject({ name, namespace, host }: RouteWish, rules: readonly object[]): KubeObject {
  const parentRefs = [{ name: 'front', namespace: NAMESPACE }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace },
    spec: { parentRefs, hostnames: [host], rules },
  } as KubeObject;
}

/** Ready when its condition `GATE` says so. */
export const GATED_POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'gated', namespace: NAMESPACE, labels: { app: 'gated' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    readinessGates: [{ conditionType: GATE }],
    containers: [{ name: 'echo', image: 'evenkeel.dev/echo' }],
  },
} as KubeObject;
