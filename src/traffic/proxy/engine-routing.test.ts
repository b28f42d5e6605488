// Routes as a client meets them, through a whole engine: on method, headers, parameters and patterns, and split by weight.
// The rules themselves are proved where they stand, in snapshot/.
import { afterEach, expect, it } from 'vitest';
import type { Route } from '#traffic/model/ir.ts';
import { Harness, portOf } from './testing/harness.ts';
import { cluster, endpoint, listener, route, update } from './testing/model.ts';
import { httpBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

/** An engine with these routes, each to a cluster of its own whose backend answers with the cluster's name. */
async function serving(routes: readonly Route[], clusters: readonly string[]): Promise<string> {
  const backends = await Promise.all(
    clusters.map((name) => harness.backend(httpBackend((_request, response) => response.end(name)))),
  );
  const proxy = await harness.engine({ workers: 1 });
  proxy.publish(
    update({
      listeners: new Map([['http', listener()]]),
      virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes }]]),
      clusters: new Map(clusters.map((name) => [name, cluster(name)])),
      endpoints: new Map(clusters.map((name, place) => [name, [endpoint(backends[place]?.port ?? 0)]])),
    }),
  );
  await proxy.ready();
  return `http://127.0.0.1:${portOf(proxy)}`;
}

it('takes the route that asks for most of what the request says', async () => {
  const url = await serving(
    [
      route('plain'),
      { ...route('post'), name: 'post', method: 'POST' },
      {
        ...route('canary'),
        name: 'canary',
        headers: [{ name: 'x-canary', match: { type: 'regex', value: 'y(es)?' } }],
      },
      { ...route('debug'), name: 'debug', query: [{ name: 'debug', match: { type: 'present' } }] },
      { ...route('deep', '/deep'), method: 'PUT' },
    ],
    ['plain', 'post', 'canary', 'debug', 'deep'],
  );
  const answer = async (path: string, init: RequestInit = {}): Promise<string> =>
    (await fetch(`${url}${path}`, init)).text();
  expect(await answer('/')).toBe('plain');
  expect(await answer('/', { method: 'POST' })).toBe('post');
  expect(await answer('/', { headers: { 'X-Canary': 'yes' } })).toBe('canary');
  expect(await answer('/', { headers: { 'X-Canary': 'yesterday' } })).toBe('plain');
  expect(await answer('/x?a=b&debug')).toBe('debug');
  expect(await answer('/deep/er', { method: 'PUT' })).toBe('deep');
  expect(await answer('/deep/er')).toBe('plain');
});

it('splits a hundred requests ninety to ten', async () => {
  const split: Route = {
    ...route('split'),
    action: {
      type: 'forward',
      clusters: [
        { cluster: 'stable', weight: 90 },
        { cluster: 'canary', weight: 10 },
      ],
    },
  };
  const url = await serving([split], ['stable', 'canary']);
  const answers = await Promise.all(Array.from({ length: 100 }, async () => (await fetch(url)).text()));
  expect(answers.filter((answer) => answer === 'canary')).toHaveLength(10);
});

it('keeps a user on one endpoint when the cluster hashes a header', async () => {
  const backends = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => harness.backend(httpBackend((_request, response) => response.end(name)))),
  );
  const proxy = await harness.engine({ workers: 1 });
  const hashed = cluster('hashed', { policy: { type: 'ring_hash' }, hash: { type: 'header', name: 'x-user' } });
  proxy.publish(
    update({
      listeners: new Map([['http', listener()]]),
      virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes: [route('hashed')] }]]),
      clusters: new Map([['hashed', hashed]]),
      endpoints: new Map([['hashed', backends.map(({ port }) => endpoint(port))]]),
    }),
  );
  await proxy.ready();
  const answers = async (user: string): Promise<Set<string>> => {
    const all = Array.from({ length: 5 }, async () => {
      const response = await fetch(`http://127.0.0.1:${portOf(proxy)}/`, { headers: { 'x-user': user } });
      return response.text();
    });
    return new Set(await Promise.all(all));
  };
  const users = await Promise.all(Array.from({ length: 20 }, (_, user) => answers(`user-${user}`)));
  expect(users.every((seen) => seen.size === 1)).toBe(true);
  expect(new Set(users.flatMap((seen) => [...seen])).size).toBeGreaterThan(1);
});
