// What happened between two looks at a gateway, and how it is shown.
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClusterReport, EndpointReport } from '#traffic/proxy/cluster-report.ts';
import { rowsBetween } from './rows.ts';
import { durationsIn, type Sample } from './sample.ts';
import { screenOf, sorted, tableOf } from './screen.ts';

function endpoint(key: string, more: Partial<EndpointReport> = {}): EndpointReport {
  return {
    ...{ address: '10.0.0.1', port: 80, weight: 1, node: '', zone: '', ready: true, serving: true, terminating: false },
    ...{ key, pod: `shop/${key}`, usable: true, level: 'any', state: 'healthy', reason: '' },
    ...{ inFlight: 0, connections: 0, requests: {}, facts: {} },
    ...more,
  } as EndpointReport;
}

function sample(at: number, clusters: Record<string, EndpointReport[]>, metrics = ''): Sample {
  return {
    at,
    clusters: Object.entries(clusters).map(
      ([name, endpoints]): ClusterReport => ({ name, policy: { type: 'random' }, panic: false, levels: [], endpoints }),
    ),
    durations: durationsIn(metrics),
    spent: new Map(),
  };
}

const bucket = (endpoint: string, le: string, count: number): string =>
  `evenkeel_upstream_request_duration_seconds_bucket{cluster="a/b/http",endpoint="${endpoint}",le="${le}"} ${count}\n`;

describe('between two looks', () => {
  test('rates, failures and shares are those of the time between', () => {
    const before = sample(0, { c: [endpoint('x', { requests: { '2xx': 10 } }), endpoint('y')] });
    const now = sample(2000, {
      c: [
        endpoint('x', { requests: { '2xx': 40, '5xx': 5, connect: 5, '4xx': 10 } }),
        endpoint('y', { requests: { '2xx': 50 } }),
      ],
    });
    const [row] = rowsBetween(before, now);
    expect(row).toMatchObject({ rate: 50, errorRate: 0.1, usable: 2, endpoints: 2, troubles: [] });
    expect(row?.pods.map(({ rate, share, errorRate }) => [rate, share, errorRate])).toEqual([
      [25, 0.5, 0.2],
      [25, 0.5, 0],
    ]);
  });

  test('latencies are those of the time between, over all endpoints', () => {
    const earlier = bucket('x', '0.1', 100) + bucket('x', '0.2', 100) + bucket('x', '+Inf', 100);
    const later =
      bucket('x', '0.1', 150) +
      bucket('x', '0.2', 200) +
      bucket('x', '+Inf', 200) +
      bucket('y', '0.1', 0) +
      bucket('y', '0.2', 0) +
      bucket('y', '+Inf', 0);
    const [row] = rowsBetween(sample(0, { 'a/b/http': [] }, earlier), sample(1000, { 'a/b/http': [] }, later));
    expect(row?.p50).toBeCloseTo(0.1);
    expect(row?.p99).toBeCloseTo(0.198);
  });

  test('another pod at the same address does not inherit the counts of the one before it', () => {
    const before = sample(0, { c: [endpoint('x', { pod: 'shop/old', requests: { '2xx': 1000 } })] });
    const now = sample(1000, { c: [endpoint('x', { pod: 'shop/new', requests: { '2xx': 3 } })] });
    expect(rowsBetween(before, now)[0]?.rate).toBe(3);
  });

  test('a gateway that began anew has no negative rates', () => {
    const before = sample(0, { c: [endpoint('x', { requests: { '2xx': 1000 }, connections: 50 })] });
    const now = sample(1000, { c: [endpoint('x', { requests: { '2xx': 3 }, connections: 1 })] });
    expect(rowsBetween(before, now)[0]).toMatchObject({ rate: 3, connections: 1 });
  });

  test('who is out is said, most urgent first', () => {
    const out = [
      endpoint('x', { state: 'ejected', usable: false }),
      endpoint('y', { state: 'unhealthy', usable: false }),
      endpoint('z', { state: 'unhealthy', usable: false }),
    ];
    const rows = rowsBetween(undefined, sample(0, { none: [], out }));
    expect(rows.map(({ troubles }) => troubles)).toEqual([
      ['no endpoints'],
      ['no endpoint is usable', '1 ejected', '2 unhealthy'],
    ]);
  });
});

describe('the screen', () => {
  const rows = rowsBetween(
    sample(0, { 'a/quiet/http': [endpoint('q')], 'b/busy/http': [endpoint('x')], 'b/sick/http': [endpoint('s')] }),
    sample(1000, {
      'a/quiet/http': [endpoint('q')],
      'b/busy/http': [endpoint('x', { requests: { '2xx': 100 } })],
      'b/sick/http': [
        endpoint('s', { requests: { '2xx': 5, '5xx': 5 }, state: 'ejected', reason: '5 errors in a row' }),
      ],
    }),
  );
  const view = { order: 'rate', chosen: 0, colors: true, columns: 120, rows: 24 } as const;

  test('has the busiest first, or the one that fails most', () => {
    expect(sorted(rows, view).map(({ name }) => name)).toEqual(['b/busy/http', 'b/sick/http', 'a/quiet/http']);
    expect(sorted(rows, { ...view, order: 'errors' })[0]?.name).toBe('b/sick/http');
    expect(sorted(rows, { ...view, namespace: 'a' }).map(({ name }) => name)).toEqual(['a/quiet/http']);
  });

  test('says what is wrong in its first line, and the pods of the one that is chosen', () => {
    const lines = screenOf(rows, () => ({ wanted: 3, ready: 1, autoscaler: '1..5 -> 3' }), { ...view, chosen: 1 });
    const text = lines.map(stripVTControlCharacters);
    expect(text[0]).toBe('110 requests/s, 5.0 failed/s; 1 of 3 Services in trouble');
    expect(text.find((line) => line.startsWith('>'))).toMatch(
      /^>b\/sick\/http +10 +0 +50% .* 1\/3 +1\.\.5 -> 3 +1 ejected$/,
    );
    expect(text.some((line) => /shop\/s .* ejected: 5 errors in a row$/.test(line))).toBe(true);
  });

  test('fits terminals of any size, and shows the one that is chosen', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 10, max: 40 }),
        fc.integer({ min: 40, max: 150 }),
        fc.nat(70),
        (services, height, columns, at) => {
          const many = rowsBetween(
            undefined,
            sample(
              0,
              Object.fromEntries(
                Array.from({ length: services }, (_, i) => [
                  `ns/service-${i}/http`,
                  [endpoint(`p${i}`), endpoint(`q${i}`)],
                ]),
              ),
            ),
          );
          const chosen = at % services;
          const lines = screenOf(many, () => undefined, { ...view, columns, rows: height, chosen }).map(
            stripVTControlCharacters,
          );
          expect(lines.length).toBeLessThanOrEqual(height);
          expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
          expect(lines.filter((line) => line.startsWith('>'))).toHaveLength(1);
        },
      ),
    );
  });

  test('as a table has no colors and no marks', () => {
    expect(tableOf(rows, () => undefined)).toBe(stripVTControlCharacters(tableOf(rows, () => undefined)));
  });
});
