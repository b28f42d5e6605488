// `evenkeel explain` in the embedded cluster: an Ingress, its Service's own address, and pods by name.
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { nameOf, settled } from '#test/support/pods.ts';
import { evenkeel } from '#test/support/run.ts';
import type { Explanation } from '#traffic/proxy/explain/explanation.ts';

const namespace = 'explain';
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster(['-'], {
    input: echoManifests({ name: 'echo', namespace, replicas: 2, host: 'echo.test' }),
  });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

async function ask(url: string, ...args: string[]): Promise<Explanation> {
  const { code, stdout, stderr } = await evenkeel(['explain', url, '--data', cluster.data, '-o', 'json', ...args]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Explanation;
}

test('an Ingress leads to the pods behind it, each with its chance', async () => {
  const pods = (await settled(cluster, 'echo', 2, namespace)).map((pod) => `${namespace}/${nameOf(pod)}`).sort();
  const explanation = await ask(`${cluster.http}/any/path`, '-H', 'Host: echo.test');
  expect(explanation).toMatchObject({ verdict: 'forwarded', virtualHost: { hostname: 'echo.test' } });
  const endpoints = explanation.backends[0]?.endpoints ?? [];
  expect(endpoints.map(({ pod }) => pod).sort()).toEqual(pods);
  expect(endpoints.map(({ state, chance }) => [state, chance])).toEqual([
    ['healthy', 0.5],
    ['healthy', 0.5],
  ]);
});

test('a host that no Ingress names is not found', async () => {
  expect(await ask(`${cluster.http}/`, '-H', 'Host: other.test')).toMatchObject({ verdict: 'not_found', status: 404 });
});

test('the address of a Service leads to its pods as well', async () => {
  const { spec } = await cluster.get<Service & KubeObject>('Service', 'echo', namespace);
  const explanation = await ask(`http://${spec?.clusterIP ?? ''}:80/`);
  expect(explanation.summary).toContain(`Service "${namespace}/echo:http" passes connections on as they come`);
  expect(explanation.backends[0]?.endpoints).toHaveLength(2);
});
