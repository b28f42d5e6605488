// What load balancers are told by the health port of a Service and by the pages of the proxy itself.
import { createServer, type RequestListener } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { servePages } from '../main/pages.ts';
import { HealthServers, proxyHealth } from './health-servers.ts';
import { isLeaving } from './node-watch.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('the health port of a Service counts its endpoints here, and follows the proxy itself', async () => {
  let healthy = true;
  const problems: string[] = [];
  const servers = new HealthServers({
    addresses: [],
    healthy: () => healthy,
    onProblem: (text) => problems.push(text),
  });
  ends.push(() => servers.close());
  const port = await freePort();
  const ask = async (): Promise<unknown> => {
    const answer = await eventually('it answers', () => fetch(`http://127.0.0.1:${port}/`));
    const header = (name: string): string | null => answer.headers.get(name);
    expect([header('Content-Type'), header('X-Content-Type-Options')]).toEqual(['application/json', 'nosniff']);
    return [answer.status, header('X-Load-Balancing-Endpoint-Weight'), await answer.json()];
  };
  const said = (localEndpoints: number, serviceProxyHealthy: boolean): object => ({
    service: { namespace: 'shop', name: 'web' },
    localEndpoints,
    serviceProxyHealthy,
  });
  servers.reconcile([{ port, service: 'shop/web', localEndpoints: 2 }]);
  expect(await ask()).toEqual([200, '2', said(2, true)]);
  healthy = false;
  expect(await ask()).toEqual([503, '2', said(2, false)]);
  healthy = true;
  servers.reconcile([{ port, service: 'shop/web', localEndpoints: 0 }]);
  expect(await ask()).toEqual([503, '0', said(0, true)]);
  servers.reconcile([]);
  await eventually('nobody listens', () => expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow());
  expect(problems).toEqual([]);
});

test.each([
  ['stays', {}, 200],
  [
    'is marked by the autoscaler',
    { spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } },
    503,
  ],
  ['is being deleted', { metadata: { name: 'n1', deletionTimestamp: '2026-01-01T00:00:00Z' } }, 503],
])('/healthz looks at a Node that %s, and /livez does not', async (_, node, status) => {
  const object = { apiVersion: 'v1' as const, kind: 'Node' as const, metadata: { name: 'n1' }, ...node };
  const listener: RequestListener = proxyHealth(
    () => true,
    () => isLeaving(object),
    () => 0,
  );
  const port = await freePort();
  ends.push(await servePages([{ bind: { address: '127.0.0.1', port }, flag: '--test', listener }]));
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return [answer.status, await answer.json()];
  };
  const currentTime = '1970-01-01T00:00:00.000Z';
  expect(await ask('/healthz')).toEqual([status, { currentTime, healthy: true, nodeEligible: status === 200 }]);
  expect(await ask('/livez')).toEqual([200, { currentTime, healthy: true }]);
});
