// Which Services hold requests: said by themselves, or by an autoscaler that may take their last pod.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import { expect, test } from 'vitest';
import { holdOf, servicesFromZero } from './hold.ts';
import { translateService } from './service.ts';

const service = (annotation?: string) => ({
  metadata: {
    name: 'web',
    namespace: 'shop',
    ...(annotation === undefined ? {} : { annotations: { 'evenkeel.dev/hold-requests': annotation } }),
  },
  spec: { ports: [{ name: 'http', port: 80 }] },
});

const target = { type: 'Value', value: '1' };
const byTraffic = (kind: string, name: string, minReplicas: number): HorizontalPodAutoscaler => ({
  metadata: { name: 'a', namespace: 'shop' },
  spec: {
    scaleTargetRef: { kind: 'Deployment', name: 'web' },
    minReplicas,
    maxReplicas: 3,
    metrics: [{ type: 'Object', object: { describedObject: { kind, name }, metric: { name: 'm' }, target } }],
  },
});

test.each([
  ['nothing is said', undefined, [], undefined],
  ['a time', '30s', [], 30_000],
  ['a time with blanks', ' 1m30s ', [], 90_000],
  ['the longest time', '10m', [], 600_000],
  ['off', 'off', [byTraffic('Service', 'web', 0)], undefined],
  ['an autoscaler may take the last pod', undefined, [byTraffic('Service', 'web', 0)], 60_000],
  ['a time counts before that', '5s', [byTraffic('Service', 'web', 0)], 5_000],
  ['an autoscaler keeps one', undefined, [byTraffic('Service', 'web', 1)], undefined],
  ['an autoscaler goes by another Service', undefined, [byTraffic('Service', 'cart', 0)], undefined],
  ['an autoscaler goes by an Ingress', undefined, [byTraffic('Ingress', 'web', 0)], undefined],
])('%s', (_what, annotation, autoscalers, timeout) => {
  const { hold, problems } = holdOf(service(annotation), autoscalers);
  expect(hold?.timeout).toBe(timeout);
  expect(problems).toEqual([]);
  const { clusters } = translateService(service(annotation), [], autoscalers);
  expect(clusters.get('shop/web/http')?.hold).toEqual(hold);
});

test.each(['', 'soon', '11m', '-1s'])('"%s" is no time, and the Service says so', (annotation) => {
  const { hold, problems } = holdOf(service(annotation), [byTraffic('Service', 'web', 0)]);
  expect(hold?.timeout).toBe(60_000);
  expect(problems).toMatchObject([{ kind: 'Service', key: 'shop/web', reason: 'InvalidSetting' }]);
  expect(problems[0]?.message).toContain(`"${annotation}"`);
});

test('autoscalers name the Services that they bring back', () => {
  expect(servicesFromZero(byTraffic('Service', 'web', 0))).toEqual(['shop/web']);
  expect(servicesFromZero(byTraffic('Service', 'web', 2))).toEqual([]);
});
