// Pods that tell of themselves: the text format, what is made of it, and a real endpoint behind the API.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { pod, startTestApi, type TestApi } from '../../testing/api.ts';
import { samplesOf } from './read-exposition.ts';
import { measuredBy } from './scraped-values.ts';
import { urlOf } from './scraper.ts';

const all = (): boolean => true;

describe('the text format', () => {
  const text = [
    '# HELP queue_depth How many wait.',
    '# TYPE queue_depth gauge',
    'queue_depth 3',
    'queue_depth_max 9',
    'jobs_total{kind="mail",to="a\\"b\\\\c\\nd"} 4 1700000000000',
    'jobs_total{kind="sms",} 5e1',
    'jobs_total{kind=} 7',
    'jobs_total{broken',
    'odd NaN',
    'odd +Inf',
    'tabs\t8',
    'queue_depth{}  2 # {trace_id="x"} 1',
  ].join('\n');

  test.each([
    ['queue_depth', [3, 2]],
    ['queue_depth_max', [9]],
    ['jobs_total', [4, 50]],
    ['odd', []],
    ['tabs', [8]],
    ['queue', []],
    ['absent', []],
  ])('%s has the values %j', (name, values) => {
    expect(samplesOf(text, name).map(({ value }) => value)).toEqual(values);
  });

  test('labels are read as they are meant', () => {
    expect(samplesOf(text, 'jobs_total')[0]?.labels).toEqual({ kind: 'mail', to: 'a"b\\c\nd' });
  });

  test('whatever a pod says, nothing breaks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (noise) => {
        expect(Array.isArray(samplesOf(`a${noise}\na{${noise}} 1\na 1`, 'a'))).toBe(true);
      }),
    );
  });
});

describe('a value', () => {
  const readings = (now: string, then?: string) => ({
    latest: { at: 10_000, text: now },
    before: then === undefined ? undefined : { at: 5_000, text: then },
  });
  /** A histogram with the bounds 1 and 2. */
  const took = (first: number, second: number, count: number, seconds: number): string =>
    `took_bucket{le="1"} ${first}\ntook_bucket{le="2"} ${second}\ntook_bucket{le="+Inf"} ${count}\ntook_sum ${seconds}\ntook_count ${count}`;
  const mail = (labels: Readonly<Record<string, string>>): boolean => labels.kind === 'mail';

  test.each([
    ['a gauge', readings('depth 3\ndepth{a="b"} 2'), 'depth', all, 5],
    ['a counter as it is', readings('jobs_total 7'), 'jobs_total', all, 7],
    ['a rate', readings('jobs_total 17', 'jobs_total 7'), 'jobs_per_second', all, 2],
    ['a rate of one that is not called total', readings('jobs 17', 'jobs 7'), 'jobs_per_second', all, 2],
    ['a rate after a restart', readings('jobs_total 5', 'jobs_total 700'), 'jobs_per_second', all, 1],
    ['a rate of a series that came meanwhile', readings('jobs_total 5', 'other 1'), 'jobs_per_second', all, 1],
    ['narrowed down', readings('jobs_total{kind="mail"} 9\njobs_total{kind="sms"} 90'), 'jobs_total', mail, 9],
    ['narrowed down to nothing', readings('jobs_total{kind="sms"} 90'), 'jobs_total', mail, undefined],
    ['no rate from one reading', readings('jobs_total 17'), 'jobs_per_second', all, undefined],
    ['an average', readings(took(4, 9, 10, 12), took(0, 5, 5, 2)), 'took_average', all, 2],
    ['no quantile from one reading', readings(took(8, 8, 10, 1)), 'took_p50', all, undefined],
    ['a median within a bucket', readings(took(8, 10, 10, 9), took(0, 0, 0, 0)), 'took_p50', all, 0.625],
    ['a quantile in the second bucket', readings(took(8, 10, 10, 9), took(0, 0, 0, 0)), 'took_p90', all, 1.5],
    ['a quantile beyond all bounds', readings(took(1, 2, 10, 9), took(0, 0, 0, 0)), 'took_p99', all, 2],
    ['a quantile of what came meanwhile', readings(took(8, 10, 10, 9), took(8, 8, 8, 9)), 'took_p50', all, 1.5],
    ['a quantile of nothing new', readings(took(8, 10, 10, 9), took(8, 10, 10, 9)), 'took_p99', all, 0],
    ['an average of nothing new', readings(took(8, 10, 10, 9), took(8, 10, 10, 9)), 'took_average', all, 0],
    ['no histogram', readings('took 1', 'took 0'), 'took_p50', all, undefined],
    ['nothing', readings(''), 'jobs', all, undefined],
  ])('%s', (_what, given, metric, matches, expected) => {
    expect(measuredBy(given, metric, matches)?.value).toBe(expected);
  });
});

test.each([
  [{}, undefined],
  [{ scrape: 'false', port: '9' }, undefined],
  [{ scrape: 'true' }, 'http://127.0.0.9/metrics'],
  [{ scrape: 'true', port: '9102', path: '/m?x=1' }, 'http://127.0.0.9:9102/m?x=1'],
  [{ scrape: 'true', port: '9443', scheme: 'https' }, 'https://127.0.0.9:9443/metrics'],
  [{ scrape: 'true', port: 'nine' }, undefined],
  [{ scrape: 'true', port: '99999' }, undefined],
  [{ scrape: 'true', path: '@evil.example/' }, undefined],
  [{ scrape: 'true', scheme: 'file' }, undefined],
])('annotations %j lead to %s', (given, url) => {
  const annotations = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [`prometheus.io/${name}`, value]),
  );
  expect(urlOf({ metadata: { annotations }, status: { podIP: '127.0.0.9' } })?.href).toBe(url);
  expect(urlOf({ metadata: { annotations }, status: {} })).toBeUndefined();
});

describe('over the API', () => {
  let api: TestApi;
  let server: Server;
  let hits = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      hits++;
      if (request.url === '/broken') response.writeHead(500).end('depth 1');
      else response.end(`depth ${hits}\nwork_total ${hits * 10}\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    api = await startTestApi({
      measured: {
        custom: () => [{ resource: 'pods', metric: 'rps' }],
        external: () => [],
        valuesOf: async () => undefined,
        externalValues: async () => undefined,
      },
    });
    const path = '/api/v1/namespaces/default/pods';
    for (const [name, more] of [
      ['well', { 'prometheus.io/path': '/metrics' }],
      ['broken', { 'prometheus.io/path': '/broken' }],
      ['quiet', { 'prometheus.io/scrape': 'false' }],
    ] as const) {
      const made = pod(name);
      const annotations = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': `${port}`, ...more };
      await api.ok('POST', path, { body: { ...made, metadata: { ...(made.metadata as object), annotations } } });
      const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
      await api.ok('PATCH', `${path}/${name}/status`, { body: { status }, type: 'application/merge-patch+json' });
    }
  });
  afterAll(async () => {
    await api.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const items = async (metric: string): Promise<{ describedObject: { name: string }; value: string }[]> => {
    const list = await api.ok('GET', `/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/${metric}`);
    return list.items as { describedObject: { name: string }; value: string }[];
  };

  test('those that answer have a value, and those that are asked again at once are not read again', async () => {
    const [first, ...rest] = await items('depth');
    expect(rest).toEqual([]);
    expect(first?.describedObject.name).toBe('well');
    const before = hits;
    const again = await Promise.all([items('depth'), items('depth'), items('depth')]);
    expect(again.map(([one]) => one?.value)).toEqual([first?.value, first?.value, first?.value]);
    // The broken one has nothing to keep.
    expect(hits - before).toBeLessThanOrEqual(3);
  });

  test('counters become rates with the second reading', async () => {
    const [found] = await eventually('it has been read twice', () => items('work_per_second'));
    expect(Number.parseFloat(found?.value ?? '')).toBeGreaterThan(0);
  });

  test('what none of them says is not there', async () => {
    const answer = await api.call('GET', '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/weather');
    expect(answer.code).toBe(404);
  });
});
