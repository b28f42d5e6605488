// What the gateway counted, as figures of pods, Services and Ingresses; time and counters are moved by hand.
import { beforeEach, describe, expect, test } from 'vitest';
import { type LabelQuery, parseLabelSelector } from '#kube/api/selector.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { bucketOf, FINITE_BUCKETS } from '#telemetry/buckets.ts';
import type { Total } from '#telemetry/exposition.ts';
import type { TrafficCounts } from '#traffic/proxy/traffic-counts.ts';
import { labelValue, subjectOf } from './count-series.ts';
import { customMetrics, externalMetrics } from './metric-names.ts';
import { TrafficFigures } from './traffic-figures.ts';

const all = parseLabelSelector('');

let clock: FakeClock;
let figures: TrafficFigures;
let counts: TrafficCounts;
let reads: number;

const total = (labels: string[], ...values: number[]): Total => ({
  labels,
  values: Float64Array.from(values),
  exemplars: new Map(),
});

/** `n` events of `ms` each, in the form of a histogram. */
function lasting(labels: string[], n: number, ms: number): Total {
  const cells = Array<number>(FINITE_BUCKETS + 2).fill(0);
  cells[bucketOf(ms)] = n;
  cells[FINITE_BUCKETS + 1] = (n * ms) / 1000;
  return total(labels, ...cells);
}

const nothing: TrafficCounts = {
  attempts: [],
  attemptDurations: [],
  requests: [],
  requestDurations: [],
  connections: [],
  openConnections: [],
  held: [],
  inFlight: [],
};

beforeEach(() => {
  clock = new FakeClock();
  figures = new TrafficFigures(clock, silentLogger);
  reads = 0;
  counts = nothing;
  figures.watch({
    counts: async () => {
      reads++;
      return counts;
    },
  });
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function value(
  resource: keyof typeof customMetrics,
  name: string,
  metric: string,
  narrowed: LabelQuery = all,
): Promise<number | undefined> {
  const asked = figures.valuesOf({ resource, namespace: 'shop', names: [name] }, metric, narrowed);
  await turn();
  clock.advance(250);
  await turn();
  return (await asked)?.[0]?.value;
}

async function later(ms: number, then: TrafficCounts): Promise<void> {
  counts = then;
  clock.advance(ms);
  await turn();
}

/** A first question, so that it is read from now on. */
async function begin(): Promise<void> {
  await value('services', 'web', 'http_requests_per_second');
}

const attempts = (web: number, failed: number, other: number): TrafficCounts => ({
  ...nothing,
  attempts: [
    total(['shop/web/http', 'shop/web-1', '2xx'], web),
    total(['shop/web/http', 'shop/web-1', '5xx'], failed),
    total(['shop/web/admin', 'shop/web-1', '2xx'], other),
    total(['shop/web/http', 'shop/web-2', '2xx'], web),
    total(['shop/web/http', 'shop/web-2', 'aborted'], failed),
    total(['shop/cart/http', 'shop/cart-1', '2xx'], 1000),
  ],
  attemptDurations: [lasting(['shop/web/http', 'shop/web-1'], web + failed, 30)],
  requests: [
    total(['http', 'shop/main:/', '200'], web * 2),
    total(['https', 'shop/main:/', '503'], failed),
    total(['http', 'shop/main:/api', '404'], other),
  ],
  requestDurations: [lasting(['shop/main:/'], web * 2 + failed, 500)],
  connections: [total(['shop/web:http', 'connected'], web), total(['shop/web:http', 'no_endpoint'], failed)],
  openConnections: [total(['shop/web:http'], 3), total(['shop/web:admin'], 1), total(['shop/cart:http'], 9)],
  inFlight: [
    { cluster: 'shop/web/http', endpoint: 'shop/web-1', count: 4 },
    { cluster: 'shop/web/admin', endpoint: 'shop/web-1', count: 4 },
    { cluster: 'shop/web/http', endpoint: 'shop/web-2', count: 1 },
  ],
});

describe('within ten seconds', () => {
  beforeEach(async () => {
    await begin();
    await later(750, attempts(0, 0, 0));
    for (let second = 1; second <= 10; second++) await later(1000, attempts(second * 10, second, second * 2));
  });

  test.each([
    ['services', 'web', 'http_requests_per_second', 10 + 1 + 2 + 10 + 1],
    ['services', 'web', 'http_errors_per_second', 1],
    ['services', 'web', 'http_error_ratio', 1 / 24],
    ['services', 'cart', 'http_requests_per_second', 0],
    ['services', 'absent', 'http_requests_per_second', 0],
    ['services', 'absent', 'http_error_ratio', 0],
    ['services', 'absent', 'http_request_duration_p99_seconds', 0],
    ['services', 'web', 'http_requests_in_flight', 5],
    ['services', 'web', 'tcp_connections', 4],
    ['services', 'web', 'tcp_connections_per_second', 11],
    ['pods', 'web-1', 'http_requests_per_second', 13],
    ['pods', 'web-2', 'http_requests_per_second', 11],
    ['pods', 'web-2', 'http_error_ratio', 0],
    ['pods', 'web-1', 'http_requests_in_flight', 4],
    ['ingresses.networking.k8s.io', 'main', 'http_requests_per_second', 23],
    ['ingresses.networking.k8s.io', 'main', 'http_errors_per_second', 1],
    // 21 a second that last half a second each.
    ['ingresses.networking.k8s.io', 'main', 'http_requests_in_flight', 10.5],
  ] as const)('%s %s: %s is %d', async (resource, name, metric, expected) => {
    expect(await value(resource, name, metric)).toBeCloseTo(expected, 6);
  });

  test.each(['p50', 'p95', 'p99'])('%s lies in the bucket that the durations fell into', async (which) => {
    const found = (await value('pods', 'web-1', `http_request_duration_${which}_seconds`)) ?? 0;
    expect(found).toBeGreaterThan(0.016);
    expect(found).toBeLessThanOrEqual(0.032);
  });

  test('a port, or a path, can be asked for alone', async () => {
    expect(await value('services', 'web', 'http_requests_per_second', parseLabelSelector('port=admin'))).toBeCloseTo(
      2,
      6,
    );
    expect(await value('services', 'web', 'tcp_connections', parseLabelSelector('port=admin'))).toBe(1);
    const api = await value(
      'ingresses.networking.k8s.io',
      'main',
      'http_requests_per_second',
      parseLabelSelector('path=api'),
    );
    expect(api).toBeCloseTo(2, 6);
    expect(await value('pods', 'web-1', 'http_requests_in_flight', parseLabelSelector('service=cart'))).toBe(0);
  });

  test('outside of the cluster they are series with the name in their labels', async () => {
    const values = await figures.externalValues('shop', 'service_http_requests_per_second', all);
    expect(
      Object.fromEntries((values ?? []).map(({ labels, value: one }) => [labels.service, Math.round(one)])),
    ).toEqual({
      web: 24,
      cart: 0,
    });
    const ingresses = await figures.externalValues('shop', 'ingress_http_errors_per_second', all);
    expect(ingresses?.map(({ labels }) => labels)).toEqual([{ ingress: 'main' }]);
    expect(await figures.externalValues('elsewhere', 'service_http_requests_per_second', all)).toEqual([]);
    expect(await figures.externalValues('shop', 'queue_length', all)).toBeUndefined();
  });

  test('what is over leaves the window', async () => {
    for (let second = 0; second < 12; second++) await later(1000, attempts(100, 10, 20));
    expect(await value('services', 'web', 'http_requests_per_second')).toBe(0);
  });
});

describe('a pod that gets more than it can answer', () => {
  /** After `second` seconds of which the first eight bring ten a second, the others a hundred; twenty a second are answered. */
  const overloaded = (second: number): TrafficCounts => {
    const came = Math.min(second, 8) * 10 + Math.max(0, second - 8) * 100;
    const answered = Math.min(came, Math.min(second, 8) * 10 + Math.max(0, second - 8) * 20);
    const count = came - answered;
    return {
      ...nothing,
      attempts: [total(['shop/web/http', 'shop/web-1', '2xx'], answered)],
      inFlight: [
        { cluster: 'shop/web/http', endpoint: 'shop/web-1', count },
        { cluster: 'shop/web/admin', endpoint: 'shop/web-1', count },
      ],
    };
  };

  beforeEach(async () => {
    await begin();
    await later(750, overloaded(0));
  });

  test('is asked for what comes, not for what it answers, two seconds after the rise', async () => {
    for (let second = 1; second <= 10; second++) await later(1000, overloaded(second));
    expect(await value('services', 'web', 'http_requests_per_second')).toBeCloseTo(100, 6);
    expect(await value('pods', 'web-1', 'http_requests_per_second')).toBeCloseTo(100, 6);
    const admin = parseLabelSelector('port=http');
    expect(await value('services', 'web', 'http_requests_per_second', admin)).toBeCloseTo(100, 6);
  });

  test('is not asked for more than comes while it works off what waits', async () => {
    for (let second = 1; second <= 20; second++) await later(1000, overloaded(second));
    const { attempts: before, inFlight } = overloaded(20);
    const done = before[0]?.values[0] ?? 0;
    for (let second = 1; second <= 10; second++) {
      const count = (inFlight[0]?.count ?? 0) - second * 50;
      await later(1000, {
        ...nothing,
        attempts: [total(['shop/web/http', 'shop/web-1', '2xx'], done + second * 150)],
        inFlight: [{ cluster: 'shop/web/http', endpoint: 'shop/web-1', count }],
      });
    }
    expect(await value('services', 'web', 'http_requests_per_second')).toBeCloseTo(100, 6);
  });
});

test('what waits for the first pod is asked of it, by whichever figure goes', async () => {
  await begin();
  await later(1000, { ...nothing, held: [total(['shop/web/http'], 7)] });
  expect(await value('services', 'web', 'http_requests_in_flight')).toBe(7);
  expect(await value('services', 'web', 'tcp_connections')).toBe(7);
  expect(await value('services', 'web', 'tcp_connections_per_second')).toBeGreaterThan(0);
  expect(await value('services', 'other', 'tcp_connections')).toBe(0);
});

test('nobody measures what is not in the list, nor before there is an engine', async () => {
  expect(await value('services', 'web', 'weather')).toBeUndefined();
  const idle = new TrafficFigures(clock, silentLogger);
  expect(
    await idle.valuesOf({ resource: 'pods', namespace: 'a', names: ['b'] }, 'http_error_ratio', all),
  ).toBeUndefined();
});

test('nothing is read before somebody asks, nor long after anybody did', async () => {
  await later(5_000, nothing);
  expect(reads).toBe(0);
  await begin();
  expect(reads).toBe(2);
  for (let second = 0; second < 70; second++) await later(1000, nothing);
  const before = reads;
  expect(before).toBeLessThan(66);
  for (let second = 0; second < 10; second++) await later(1000, nothing);
  expect(reads).toBe(before);
  figures.stop();
});

test('series say what they are about, whatever their names hold', () => {
  expect(subjectOf('attempt\0a/b/8080\0[::1]:80')).toMatchObject({ service: 'a/b', port: '8080', pod: '[::1]:80' });
  expect(subjectOf('request\0a/b:/x:y')).toMatchObject({ ingress: 'a/b', path: '/x:y' });
  expect(subjectOf('request\0none')).toMatchObject({ ingress: 'none', path: '' });
});

test.each([
  ['/', ''],
  ['/api', 'api'],
  ['/api/v1/', 'api_v1'],
  ['/~user/a b', 'user_a_b'],
])('the path %s is the label %s', (path, label) => {
  expect(labelValue(path)).toBe(label);
  expect(parseLabelSelector(`path=${label}`).matches({ path: label })).toBe(true);
});

test('names tell the resource', () => {
  expect(externalMetrics).toContain('ingress_http_request_duration_p95_seconds');
  expect(externalMetrics).toContain('service_tcp_connections');
  expect(customMetrics.pods).not.toContain('tcp_connections');
});
