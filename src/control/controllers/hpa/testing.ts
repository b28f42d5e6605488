// The metrics of somebody else's cluster for tests: the three APIs with figures that a test sets, before a real API server.
// Knows paths and shapes as metrics-server and adapters have them.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { notFound } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';

export interface Figures {
  /** By name of the pod, by container: CPU as a quantity. A pod without is not measured. */
  cpu: (pod: Pod) => Readonly<Record<string, string>> | undefined;
  /** By path below the version of the API. */
  custom: Record<string, readonly (readonly [object: string, value: string])[]>;
  external: Record<string, readonly string[]>;
  /** Requests that came, path and query. */
  readonly asked: string[];
}

export function foreignMetrics(client: Client): { client: Client; figures: Figures } {
  const figures: Figures = { cpu: () => undefined, custom: {}, external: {}, asked: [] };
  const now = (): string => new Date().toISOString();
  const answer = async (path: string): Promise<unknown> => {
    const url = new URL(path, 'http://cluster');
    figures.asked.push(decodeURIComponent(path));
    const [, , group = '', version, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (version === undefined) return { versions: [{ version: 'v1beta1' }, { version: 'v1beta2' }] };
    const below = rest.join('/');
    if (group === 'metrics.k8s.io') {
      const labelSelector = url.searchParams.get('labelSelector') ?? '';
      const { items } = await client.list<Pod>(builtin('Pod'), { namespace: rest[1] ?? '', labelSelector });
      return {
        items: items.flatMap((pod) => {
          const cpu = figures.cpu(pod);
          if (cpu === undefined) return [];
          const containers = Object.entries(cpu).map(([name, amount]) => ({ name, usage: { cpu: amount } }));
          return [{ metadata: { name: pod.metadata?.name }, timestamp: now(), window: '0s', containers }];
        }),
      };
    }
    if (group === 'custom.metrics.k8s.io') {
      const values = figures.custom[below];
      if (values === undefined) throw notFound({ group, resource: 'metrics' }, below);
      return {
        items: values.map(([name, value]) => ({
          describedObject: { name },
          timestamp: now(),
          windowSeconds: 1,
          value,
        })),
      };
    }
    return { items: (figures.external[below] ?? []).map((value) => ({ timestamp: now(), value })) };
  };
  return {
    figures,
    client: {
      ...client,
      raw: (method, path, body, options) =>
        /^\/apis\/((custom|external)\.)?metrics\.k8s\.io(\/|$)/.test(path)
          ? answer(path)
          : client.raw(method, path, body, options),
    },
  };
}
