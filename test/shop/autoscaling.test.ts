// The shop under a load: the autoscaler of its storefront brings pods, and takes them when it is over.
// By requests a second, which is the gateway's own measure, so that it does not matter how busy the machine is.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Event } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import type { TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
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
  const target = { type: 'AverageValue', averageValue: '20' };
  const metrics = [
    { type: 'Object', object: { describedObject, metric: { name: 'http_requests_per_second' }, target } },
  ];
  const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
  await shop.client.patch(AUTOSCALERS, 'storefront', 'shop', 'merge', { spec: { metrics, behavior } });
  await settled(shop, 'storefront', 2);
  const report = await underLoad({ url: `${shop.http}/`, host: 'shop.local', rate: 80 }, async () => {
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

test('where the requests are is told by kubectl and by the API', async () => {
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
