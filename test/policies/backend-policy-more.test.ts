// More of what BackendPolicies do to traffic: who counts as healthy, who is near, retries, protocols, and mesh traffic.
// Knows the API and the command line from the outside; backends are servers of the test.
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { backendPolicyResource } from '#kube/api/backend-policy/definition.ts';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { addressOf, answers, gateway, httpRoute } from '../gateway-api/kit.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask } from '../support/http.ts';
import { type Backend, backend, policy, serviceOver, toRoute, toService } from './kit.ts';

const PATIENT = { timeout: 60_000 };
/** One that everybody may listen at. */
const MESH_PORT = 8091;
const services = ['panicking', 'near', 'retried', 'spoken', 'meshed'];

const rule = (name: string): string => `
    - name: ${name}
      matches: [{ path: { value: /${name} } }]
      backendRefs: [{ name: ${name}, port: 80 }]`;

/** The first backend is at the node of the cluster, the others are somewhere else. */
const placed = (text: string): string =>
  text
    .split('endpoints: [{ ')
    .map((part, at) => (at === 0 ? part : `nodeName: ${at === 1 ? 'node-1' : 'elsewhere'}, ${part}`))
    .join('endpoints: [{ ');

describe('BackendPolicies', PATIENT, () => {
  let cluster: TestCluster;
  let url: string;
  let all: Backend[];
  let http2: Http2Server;
  const send = (path: string): Promise<Answer> => ask(`${url}${path}`, { host: 'p.example' });
  const whoAnswers = async (times: number, once: () => Promise<Answer>): Promise<string[]> => {
    const names = new Set<string>();
    for (let turn = 0; turn < times; turn++) names.add((await once()).text);
    return [...names].sort();
  };
  const inForce = async (name: string, targets: string, settings: string): Promise<void> => {
    const wanted = parse(policy(name, targets, settings).slice(4)) as BackendPolicy;
    await cluster.client.patch(backendPolicyResource, name, 'default', 'apply', wanted, { fieldManager: 'test' });
    await eventually(`${name} is in force`, async () => {
      const { metadata, status } = await cluster.client.get<BackendPolicy>(backendPolicyResource, name, 'default');
      const conditions = status?.ancestors?.flatMap((ancestor) => ancestor.conditions) ?? [];
      const accepted = conditions.find(({ type }) => type === 'Accepted');
      expect([accepted?.status, accepted?.observedGeneration]).toEqual(['True', metadata?.generation]);
    });
  };

  beforeAll(async () => {
    all = await Promise.all(['a', 'b', 'c'].map((name) => backend(name)));
    http2 = createServer((_request, response) => response.end('h2c'));
    await new Promise<void>((resolve) => http2.listen(0, '127.0.0.1', resolve));
    const spoken = { port: (http2.address() as AddressInfo).port };
    const input = [
      serviceOver('panicking', all),
      placed(serviceOver('near', all)),
      serviceOver('retried', all),
      serviceOver('spoken', [spoken]),
      serviceOver('meshed', all).replace('port: 80', `port: ${MESH_PORT}`),
      gateway('edge', '{ name: http, protocol: HTTP, port: 8080 }'),
      httpRoute('all', '{ name: edge }', services.slice(0, -1).map(rule).join(''), '  hostnames: [p.example]'),
      httpRoute(
        'mesh',
        '{ group: "", kind: Service, name: meshed }',
        `\n    - backendRefs: [{ name: meshed, port: ${MESH_PORT} }]`,
      ),
    ].join('');
    cluster = await startCluster(['-'], { input: input.slice(4), args: ['--network', 'loopback'] });
    url = `http://${await addressOf(cluster, 'edge')}:8080`;
    await answers(`${url}/near`, 200, { host: 'p.example' });
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const one of all ?? []) one.close();
    http2?.close();
  }, 30_000);

  test('say from which share of healthy endpoints on the others are left out', async () => {
    const [a, b] = all as [Backend, Backend];
    a.status = 500;
    b.status = 500;
    const check =
      'healthCheck: { type: http, path: /healthz, interval: 100ms, timeout: 100ms, unhealthyThreshold: 1, healthyThreshold: 1 }';
    const once = (): Promise<Answer> => send('/panicking');
    await inForce('panicking', toService('panicking'), `${check}, panicThreshold: 0`);
    await eventually('only c answers', async () => expect(await whoAnswers(20, once)).toEqual(['c']));
    // One of three is less than half of them: all are asked, as the checks may be what is wrong.
    await inForce('panicking', toService('panicking'), `${check}, panicThreshold: 50`);
    await eventually('all answer', async () => expect(await whoAnswers(40, once)).toEqual(['a', 'b', 'c']));
    await inForce('panicking', toService('panicking'), `${check}, panicThreshold: 30`);
    await eventually('only c answers again', async () => expect(await whoAnswers(20, once)).toEqual(['c']));
    a.status = 200;
    b.status = 200;
  });

  test('keep requests near, as long as somebody is', async () => {
    const once = (): Promise<Answer> => send('/near');
    expect(await whoAnswers(40, once)).toEqual(['a', 'b', 'c']);
    await inForce('near', toService('near'), 'locality: { prefer: same_node }');
    await eventually('only the one of the node answers', async () => {
      expect(await whoAnswers(40, once)).toEqual(['a']);
    });
    await cluster.apply(placed(serviceOver('near', all)).replace('ready: true', 'ready: false').slice(4));
    await eventually('the others answer when it is away', async () => {
      expect(await whoAnswers(40, once)).toEqual(['b', 'c']);
    });
  });

  test('bound how many tries there are beyond the first', async () => {
    for (const one of all) one.status = 503;
    const tries = async (requests: number): Promise<number> => {
      const count = (): number => all.reduce((sum, { requests: own }) => sum + own, 0);
      const before = count();
      for (let turn = 0; turn < requests; turn++) expect((await send('/retried')).status).toBe(503);
      return count() - before;
    };
    await inForce('retried-route', toRoute('all', 'retried'), 'retry: { attempts: 3, conditions: [gateway_error] }');
    await eventually('each request is tried three times more', async () => expect(await tries(4)).toBe(16));
    await inForce('retried', toService('retried'), 'retryBudget: { percent: 0, minConcurrent: 0 }');
    await eventually('each request is tried once', async () => expect(await tries(4)).toBe(4));
    for (const one of all) one.status = 200;
  });

  test('say what backends speak', async () => {
    expect((await send('/spoken')).status).toBeGreaterThanOrEqual(500);
    await inForce('spoken', toService('spoken'), 'upstreamProtocol: http2');
    await eventually('it is understood', async () => {
      const { status, text } = await send('/spoken');
      expect([status, text]).toEqual([200, 'h2c']);
    });
  });

  test('are heard by routes of a Service itself as well', async () => {
    const { spec } = await cluster.get<Service>('Service', 'meshed', 'default');
    const once = (): Promise<Answer> => ask(`http://${spec?.clusterIP}:${MESH_PORT}/`, { host: 'meshed' });
    expect(await whoAnswers(40, once)).toEqual(['a', 'b', 'c']);
    await inForce('meshed', toService('meshed'), 'balancing: { policy: ip_hash }');
    await eventually('each client has its endpoint', async () => expect(await whoAnswers(40, once)).toHaveLength(1));
    const [a] = all as [Backend];
    a.status = 503;
    await inForce(
      'meshed',
      toService('meshed'),
      'balancing: { policy: round_robin }, outlierDetection: { consecutive5xx: 2, baseEjection: 1h, maxEjection: 1h }',
    );
    await eventually('who fails is out', async () => {
      for (let turn = 0; turn < 20; turn++) expect((await once()).status).toBe(200);
    });
    a.status = 200;
  });
});
