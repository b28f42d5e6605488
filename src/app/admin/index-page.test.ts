// The admin page as text: what is wrong at one look, every endpoint with its state, and nothing that a name could smuggle in.
import { describe, expect, it, test } from 'vitest';
import type { ClusterReport, EndpointReport } from '#traffic/proxy/cluster-report.ts';
import { renderIndex } from './index-page.ts';

const endpoint: EndpointReport = {
  address: '127.244.0.2',
  port: 8080,
  key: '127.244.0.2:8080',
  pod: 'shop/cart-1',
  node: 'node',
  zone: '',
  weight: 1,
  ready: true,
  serving: true,
  terminating: false,
  state: 'healthy',
  reason: '',
  usable: true,
  level: 'any',
  inFlight: 1,
  connections: 7,
  requests: { '2xx': 20, '5xx': 1 },
  facts: {},
};

function cluster(endpoints: readonly EndpointReport[], more: Partial<ClusterReport> = {}): ClusterReport {
  const levels = [{ name: 'any', load: 100, panic: false }];
  return {
    name: 'shop/cart/http',
    policy: { type: 'least_request', choices: 2 },
    panic: false,
    levels,
    endpoints,
    ...more,
  };
}

/** The cells of every table row, tags taken off. */
function cells(page: string): string[][] {
  return page
    .split('<tr>')
    .slice(1)
    .map((row) => row.split(/<t[hd][^>]*>/).slice(1))
    .map((row) =>
      row.map((cell) =>
        cell
          .replace(/<br>/g, ' ')
          .replace(/<\/?small>/g, '')
          .replace(/<form[^>]*><button>(.*?)<.*/s, '[$1]')
          .replace(/<.*/s, '')
          .replace(/&nbsp;/g, ' '),
      ),
    );
}

/** What stands above the tables. */
function summary(page: string): string {
  const box = /<(?:p|div) class="sum.*?<\/(?:p|div)>/s.exec(page)?.[0] ?? '';
  return box.replace(/<li>/g, '- ').replace(/<[^>]*>/g, '');
}

test('every endpoint has its state and its counts in their columns', () => {
  const leaving: EndpointReport = {
    ...endpoint,
    pod: '',
    ready: false,
    terminating: true,
    state: 'leaving',
    usable: false,
    connections: 0,
    requests: {},
  };
  const page = renderIndex([cluster([endpoint, leaving])], 5);
  expect(cells(page)).toEqual([
    ['Pod', 'Address', 'State', 'In flight', 'Connections', 'Requests', ''],
    ['shop/cart-1', '127.244.0.2:8080', 'healthy', '1', '7', '2xx 20 5xx 1', '[drain]'],
    ['-', '127.244.0.2:8080', 'leaving still serving', '1', '0', '0', ''],
  ]);
  expect(summary(page)).toBe('Every cluster has healthy endpoints, and none is out.');
});

describe('one look tells', () => {
  it('who is out, and why', () => {
    const ejected: EndpointReport = { ...endpoint, state: 'ejected', reason: 'latency, for 9 s more', usable: false };
    const drained: EndpointReport = { ...endpoint, state: 'drained', usable: false };
    const page = renderIndex([cluster([endpoint, ejected, drained])], 5);
    expect(summary(page)).toBe('- shop/cart/http: 1 of 3 ejected- shop/cart/http: 1 of 3 drained');
    expect(cells(page).map((row) => [row[2], row[6]])).toEqual([
      ['State', ''],
      ['healthy', '[drain]'],
      ['ejected latency, for 9 s more', '[drain]'],
      ['drained', '[undrain]'],
    ]);
  });

  it('that a cluster panics, and that another has nobody', () => {
    const sick: EndpointReport = { ...endpoint, state: 'unhealthy', reason: 'Answered 500' };
    const unready: EndpointReport = { ...endpoint, ready: false, state: 'not_ready', usable: false };
    const page = renderIndex([cluster([sick], { panic: true }), cluster([unready], { name: 'a/b/c' })], 5);
    expect(summary(page)).toBe(
      '- a/b/c: no endpoint can take requests' +
        '- shop/cart/http: too few endpoints are healthy, so that all of them get requests' +
        '- shop/cart/http: 1 of 1 unhealthy',
    );
    expect(page).toContain('Answered 500; used all the same: too few are healthy');
  });

  it('who is warming up, and how requests spread over near and far', () => {
    const warming: EndpointReport = { ...endpoint, level: 'zone', facts: { slowStartFactor: 0.25 } };
    const levels = [
      { name: 'zone', load: 70, panic: false },
      { name: 'any', load: 30, panic: false },
    ];
    const page = renderIndex([cluster([warming], { levels })], 5);
    expect(page).toContain('least_request, zone 70%, any 30%');
    expect(cells(page)[1]?.[2]).toBe('healthy level zone; slow start at 25%');
  });
});

test('names are text, whatever is in them', () => {
  const page = renderIndex([cluster([{ ...endpoint, pod: '"&' }], { name: '<script>' })], 5);
  expect(page).not.toContain('<script>');
  expect(page).toContain('&quot;&amp;');
});

test.each([
  [59, 'Up for 59 s'],
  [61, 'Up for 1 min'],
  [7_330, 'Up for 2 h 2 min'],
])('%d seconds are told as "%s"', (seconds, text) => {
  expect(renderIndex([], seconds)).toContain(`${text}.`);
});
