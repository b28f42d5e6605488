// XBackendTrafficPolicies as people meet them: retries that end where the budget does, sessions, and what they are told.
// Knows the API from the outside; backends are servers of the test.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { BackendTrafficPolicy } from '#traffic/model/policy/traffic-policy.ts';
import { addressOf, answers, gateway, httpRoute } from '../gateway-api/kit.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, type Question } from '../support/http.ts';
import { type Backend, backend, serviceOver } from './kit.ts';

const POLICIES = gatewayResource('XBackendTrafficPolicy');
const services = ['retried', 'sticky'];

const rules = `
    - name: retried
      matches: [{ path: { value: /retried } }]
      retry: { codes: [500], attempts: 3, backoff: 1ms }
      backendRefs: [{ name: retried, port: 80 }]
    - name: sticky
      matches: [{ path: { value: /sticky } }]
      backendRefs: [{ name: sticky, port: 80 }]`;

describe('XBackendTrafficPolicies', { timeout: 60_000 }, () => {
  let cluster: TestCluster;
  let url: string;
  let all: Backend[];
  const send = (path: string, question: Question = {}): Promise<Answer> =>
    ask(`${url}${path}`, { host: 'p.example', ...question });
  const reasons = async (name: string): Promise<(string | undefined)[]> => {
    const { status } = await cluster.client.get<BackendTrafficPolicy>(POLICIES, name, 'default');
    return (status?.ancestors ?? []).flatMap(({ conditions }) => conditions.map(({ reason }) => reason));
  };
  const apply = async (name: string, target: string, spec: object): Promise<void> => {
    const targetRefs = [{ group: '', kind: 'Service', name: target }];
    const body = {
      apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
      kind: 'XBackendTrafficPolicy',
      metadata: { name, namespace: 'default' },
      spec: { targetRefs, ...spec },
    };
    await cluster.client.patch(POLICIES, name, 'default', 'apply', body, { fieldManager: 'test', force: true });
  };

  beforeAll(async () => {
    all = await Promise.all(['a', 'b', 'c'].map((name) => backend(name)));
    const input = [
      ...services.map((name) => serviceOver(name, all)),
      gateway('edge', '{ name: http, protocol: HTTP, port: 8080 }'),
      httpRoute('all', '{ name: edge }', rules, '  hostnames: [p.example]'),
    ].join('');
    cluster = await startCluster(['-'], { input: input.slice(4), args: ['--network', 'loopback'] });
    url = `http://${await addressOf(cluster, 'edge')}:8080`;
    await answers(`${url}/sticky`, 200, { host: 'p.example' });
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const one of all ?? []) one.close();
  }, 30_000);

  test('end retries where the budget ends, with 503', async () => {
    for (const one of all) one.status = 500;
    const tries = async (requests: number): Promise<{ made: number; statuses: number[] }> => {
      const count = (): number => all.reduce((sum, { requests: own }) => sum + own, 0);
      const before = count();
      const statuses: number[] = [];
      for (let turn = 0; turn < requests; turn++) statuses.push((await send('/retried')).status);
      return { made: count() - before, statuses };
    };
    await eventually('each request is tried three times more', async () => {
      expect(await tries(4)).toEqual({ made: 16, statuses: [500, 500, 500, 500] });
    });
    await apply('bounded', 'retried', {
      retryConstraint: { budget: { percent: 0, interval: '10s' }, minRetryRate: { count: 1, interval: '1h' } },
    });
    await eventually('it is in force', async () => expect(await reasons('bounded')).toEqual(['Accepted']));
    // One retry an hour and worker is left.
    await tries(4);
    expect(await tries(6)).toEqual({ made: 6, statuses: Array(6).fill(503) });
    const metrics = await (await fetch(`${cluster.admin}/metrics`)).text();
    expect(metrics).toMatch(
      /^evenkeel_cluster_overflows_total\{cluster="default\/retried\/http",limit="retry_rate"\} \d+$/m,
    );
    for (const one of all) one.status = 200;
    // What needs no retry has nothing to do with it.
    expect(await tries(6)).toEqual({ made: 6, statuses: Array(6).fill(200) });
  });

  test('keep clients where they are', async () => {
    await apply('stays', 'sticky', { sessionPersistence: { sessionName: 'stays', type: 'Cookie' } });
    const first = await eventually('a session begins', async () => {
      const answer = await send('/sticky');
      expect(String(answer.headers['set-cookie'])).toContain('stays=');
      return answer;
    });
    const headers = { cookie: String(first.headers['set-cookie']).split(';')[0] ?? '' };
    for (let turn = 0; turn < 12; turn++) expect((await send('/sticky', { headers })).text).toBe(first.text);
  });

  test('are refused and told in the words of the Gateway API', async () => {
    const wrong = { retryConstraint: { budget: { interval: '2h' } } };
    await expect(apply('bad', 'retried', wrong)).rejects.toThrow(
      'interval cannot be greater than one hour or less than one second',
    );
    await apply('lost', 'nobody', { retryConstraint: {} });
    await eventually('it is told that there is no such Service', async () =>
      expect(await reasons('lost')).toEqual(['TargetNotFound']),
    );
  });
});
