// The admin page as text: every endpoint with its state and its counts, and nothing that a name could smuggle in.
import { expect, test } from 'vitest';
import { type ClusterView, renderIndex } from './index-page.ts';

const endpoint: ClusterView['endpoints'][number] = {
  address: '127.244.0.2',
  port: 8080,
  pod: 'shop/cart-1',
  ready: true,
  serving: true,
  terminating: false,
  inFlight: 1,
  connections: 7,
  requests: { '2xx': 20, '5xx': 1 },
};

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
          .replace(/<.*/s, '')
          .replace(/&nbsp;/g, ' '),
      ),
    );
}

test('every endpoint has its state and its counts in their columns', () => {
  const leaving = { ...endpoint, pod: '', ready: false, terminating: true, connections: 0, requests: {} };
  const cluster = { name: 'shop/cart/http', policy: { type: 'least_request' }, endpoints: [endpoint, leaving] };
  expect(cells(renderIndex([cluster], 5))).toEqual([
    ['Pod', 'Address', 'State', 'In flight', 'Connections', 'Requests'],
    ['shop/cart-1', '127.244.0.2:8080', 'ready', '1', '7', '2xx 20 5xx 1'],
    ['-', '127.244.0.2:8080', 'leaving, still serving', '1', '0', '0'],
  ]);
});

test('names are text, whatever is in them', () => {
  const page = renderIndex([{ name: '<script>', policy: { type: 'x' }, endpoints: [{ ...endpoint, pod: '"&' }] }], 5);
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
