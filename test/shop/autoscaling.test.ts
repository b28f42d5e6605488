// The shop under a load: the autoscaler of its storefront brings pods, and takes them when it is over.
// By requests a second, which is the gateway's own measure, so that it does not matter how busy the machine is.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Event } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import type { TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, kubectlFor } from '#test/support/kubectl.ts';
import { underLoad } from '#test/support/load.ts';
import { settled } from '#test/support/pods.ts';
import { startShop } from './shop.ts';

const AUTOSCALERS = builtin('HorizontalPodAutoscaler');

let shop: TestCluster;
beforeAll(async () => {
  shop = await startShop({ autoscaling: true });
}, 120_000);
afterAll(async () => {
  await shop?.remove();
}, 30_000);

const status = async (): Promise<NonNullable<HorizontalPodAutoscaler['status']>> =>
  (await shop.client.get<HorizontalPodAutoscaler>(AUTOSCALERS, 'storefront', 'shop')).status ?? { desiredReplicas: 0 };

test('the storefront grows with the requests, loses none of them, and shrinks again', async () => {
  // One line of people at a time, and no five minutes of doubt before pods go.
  const describedObject = { apiVersion: 'v1', kind: 'Service', name: 'storefront' };
  const target = { type: 'AverageValue', averageValue: '10' };
  const metrics = [
    { type: 'Object', object: { describedObject, metric: { name: 'http_requests_per_second' }, target } },
  ];
  const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
  await shop.client.patch(AUTOSCALERS, 'storefront', 'shop', 'merge', { spec: { metrics, behavior } });
  await settled(shop, 'storefront', 2);
  const report = await underLoad({ url: `${shop.http}/`, host: 'shop.local', rate: 40 }, async () => {
    await settled(shop, 'storefront', 4);
  });
  expect(report.failures).toEqual([]);
  expect(report.ok).toBe(report.requests);
  await settled(shop, 'storefront', 2);
  const { currentMetrics } = await status();
  expect(currentMetrics?.[0]?.object?.metric?.name).toBe('http_requests_per_second');
  const events = await shop.list<Event>('Event', 'shop');
  const sizes = events.filter(({ reason }) => reason === 'SuccessfulRescale').map(({ message }) => message ?? '');
  expect(sizes).toContain('New size: 2; reason: All metrics below target');
  expect(sizes.some((text) => /^New size: [345]; reason: external metric http_requests_per_second/.test(text))).toBe(
    true,
  );
}, 90_000);

test('kubectl shows it, and makes more of them', async () => {
  const found = await findKubectl('current');
  if ('missing' in found) throw new Error(found.missing);
  const home = join(shop.data, 'home');
  mkdirSync(home);
  const kubectl = kubectlFor(found.path, shop.kubeconfig, home);
  expect(await kubectl(['get', 'hpa', 'storefront', '-n', 'shop'])).toMatch(
    /^storefront +Deployment\/storefront +\S+\/10 \(avg\) +2 +6 +2 /m,
  );
  const described = await kubectl(['describe', 'hpa', 'storefront', '-n', 'shop']);
  expect(described).toMatch(/"http_requests_per_second" on Service\/storefront \(target average value\): +\S+ \/ 10/);
  expect(described).toMatch(/ScalingActive +True +ValidMetricFound +the HPA was able to successfully calculate/);
  expect(described).toMatch(/SuccessfulRescale .* New size: 2; reason: All metrics below target/);
  const args = ['autoscale', 'deployment/payment', '-n', 'shop', '--name', 'more', '--max', '3', '--cpu-percent', '80'];
  expect(await kubectl([...args, '--dry-run=server', '-o', 'yaml'])).toMatch(
    /targetCPUUtilizationPercentage: 80|averageUtilization: 80/,
  );
}, 60_000);

test('what is measured of an Ingress is told by the API', async () => {
  await eventually('the figures are there', async () => {
    const path =
      '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/ingresses.networking.k8s.io/shop/http_requests_per_second';
    const list = (await shop.client.raw('GET', path)) as { items: { describedObject: unknown }[] };
    expect(list.items[0]?.describedObject).toEqual({
      kind: 'Ingress',
      namespace: 'shop',
      name: 'shop',
      apiVersion: 'networking.k8s.io/v1',
    });
  });
});
