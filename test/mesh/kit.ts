// What the mesh tests share: pods that ask others, Services that routes are attached to, and what came of it.
// Knows the API from the outside.
import { join } from 'node:path';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, Condition } from '#kube/api/gateway/types.ts';
import type { TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { isReady, type PodObject } from '../support/pods.ts';

export const HOME = 'mesh';
export const CONSUMER = 'mesh-consumer';
/** Image of the pods, and the flag that maps it. */
export const IMAGE = ['--image', `mesh-app=${process.execPath} ${join(import.meta.dirname, 'app.mjs')}`];

export interface Question {
  /** `host:port`. */
  readonly to: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly grpc?: boolean;
  /** One after the other; left out: 1. */
  readonly count?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Asks from inside a pod of `app` in `namespace`. */
export async function asks(cluster: TestCluster, namespace: string, question: Question): Promise<Answer[]> {
  const pods = await cluster.list<PodObject>('Pod', namespace, 'app=echo');
  const ip = pods.find(isReady)?.status?.podIP ?? '';
  const answer = await ask(`http://${ip}:8080/ask`, { method: 'POST', body: question });
  return JSON.parse(answer.text) as Answer[];
}

/** What a pod of the tests says that it received; empty where something else answered. */
export function seen({ text }: Answer): { version?: string; path?: string; headers?: Record<string, string> } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function deployment(namespace: string, version: string): unknown {
  const labels = { app: 'echo', version };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `echo-${version}`, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'app',
              image: 'mesh-app',
              env: [{ name: 'VERSION', value: version }],
              readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
}

export function service(name: string, version?: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  const selector = { app: 'echo', ...(version === undefined ? {} : { version }) };
  const ports = [
    { name: 'http', port: 8080, appProtocol: 'http' },
    { name: 'http-alt', port: 8081, targetPort: 8080, appProtocol: 'http' },
    { name: 'tcp', port: 9090, targetPort: 8080 },
    { name: 'grpc', port: 7070, appProtocol: 'grpc' },
  ];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: HOME }, spec: { selector, ports, ...more } };
}

/** Two versions, a client of another namespace, the Services of the versions, and one Service more for each of `names`. */
export function world(names: readonly string[]): string {
  const objects = [
    ...[HOME, CONSUMER].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    deployment(HOME, 'v1'),
    deployment(HOME, 'v2'),
    deployment(CONSUMER, 'v3'),
    service('echo-v1', 'v1'),
    service('echo-v2', 'v2'),
    service('idle', 'nobody'),
    service('headless', 'v1', { clusterIP: 'None' }),
    ...names.map((name) => service(name)),
  ];
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
}

export interface RouteSpec {
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly parent: Readonly<Record<string, unknown>>;
  readonly rules: readonly unknown[];
}

export function route({ kind = 'HTTPRoute', name, namespace = HOME, parent, rules }: RouteSpec): string {
  const parentRefs = [{ group: '', kind: 'Service', ...parent }];
  const apiVersion = 'gateway.networking.k8s.io/v1';
  return `---\n${JSON.stringify({ apiVersion, kind, metadata: { name, namespace }, spec: { parentRefs, rules } })}\n`;
}

/** Tells by a header of the answer that a route was met. */
export const mark = (value: string): unknown => ({
  type: 'ResponseHeaderModifier',
  responseHeaderModifier: { set: [{ name: 'x-route', value }] },
});

/** Conditions of a route for its first parent, once all of them are of its newest generation. */
export function told(
  cluster: TestCluster,
  kind: string,
  name: string,
  namespace = HOME,
): Promise<readonly Condition[]> {
  return eventually(`${kind} ${name} has a status`, async () => {
    const { metadata, status } = await cluster.client.get<AnyRoute>(gatewayResource(kind), name, namespace);
    const conditions = status?.parents?.[0]?.conditions ?? [];
    if (conditions.length === 0 || conditions.some((one) => one.observedGeneration !== metadata?.generation)) {
      throw new Error(JSON.stringify(status));
    }
    return conditions;
  });
}
