// Any routes, and any request: what `explain` says of it before is what a real client then meets.
// Asks the running engine, over its worker; the words are tested where people read them.
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Cluster, PathMatch, Route, RouteAction, RouteFilter, WeightedCluster } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { type Answer, type Echo, echoOf, read } from '../filters/testing.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { cluster, endpoint, listener, update } from '../testing/model.ts';
import { exchange, httpBackend } from '../testing/peers.ts';
import type { Explanation, Question } from './explanation.ts';

const policies: Readonly<Record<string, Partial<Cluster>>> = {
  one: {},
  two: { policy: { type: 'random' } },
  hashed: { policy: { type: 'maglev' }, hash: { type: 'header', name: 'x-user' } },
  byAddress: { policy: { type: 'ip_hash' } },
  sticky: { affinity: { type: 'source_ip' } },
  byHeader: { affinity: { type: 'header', name: 'x-user' } },
  empty: {},
};

const path = fc.constantFrom('/', '/a', '/a/b', '/ab', '/a/b/c');
const pathMatch: fc.Arbitrary<PathMatch> = fc.record({
  type: fc.constantFrom('exact', 'prefix', 'prefix', 'prefix', 'regex'),
  value: fc.oneof({ weight: 2, arbitrary: fc.constantFrom('/', '/a') }, path),
});
const pathRewrite = fc.oneof(
  fc.record({ type: fc.constantFrom('full' as const, 'prefix' as const), value: path }),
  fc.record({
    type: fc.constant('regex' as const),
    pattern: fc.constantFrom('^/a', 'b', '/(.)', '^/.*$'),
    // The last one may spell a hidden dot segment, which cannot be sent.
    substitution: fc.constantFrom('/new', '', '/\\1\\1', '/..%2Fx'),
  }),
);
const filter: fc.Arbitrary<RouteFilter> = fc.oneof(
  fc.record({ type: fc.constant('rewrite' as const), hostname: fc.constantFrom('in.test', 'x.test:81') }),
  fc.record({ type: fc.constant('rewrite' as const), path: pathRewrite }),
  fc.record({
    type: fc.constantFrom('body_limit' as const, 'buffer_request' as const),
    maxBytes: fc.constantFrom(5, 50),
  }),
  fc.constant({ type: 'request_headers' as const, set: [{ name: 'Host', value: 'set.test' }] }),
  fc.constant({ type: 'response_headers' as const, set: [{ name: 'x-set', value: '1' }] }),
  fc.record({
    type: fc.constant('cors' as const),
    allowOrigins: fc.constantFrom(['*'], ['https://a.test']),
    allowMethods: fc.constant(['GET']),
    allowHeaders: fc.constant([]),
    exposeHeaders: fc.constant([]),
    allowCredentials: fc.boolean(),
    maxAgeSeconds: fc.constant(5),
  }),
);
const filters = fc.array(filter, { maxLength: 2 });
const backend: fc.Arbitrary<WeightedCluster> = fc.record(
  { cluster: fc.constantFrom(...Object.keys(policies), 'gone'), weight: fc.nat(2), filters },
  { requiredKeys: ['cluster', 'weight'] },
);
const action: fc.Arbitrary<RouteAction> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('forward' as const),
      clusters: fc.array(backend, { minLength: 1, maxLength: 3 }),
    }),
  },
  fc.record({
    type: fc.constant('respond' as const),
    status: fc.constantFrom(200, 403, 503),
    reason: fc.constant('no'),
  }),
  fc.record({
    type: fc.constant('redirect' as const),
    redirect: fc.record(
      {
        status: fc.constantFrom(301 as const, 308 as const),
        scheme: fc.constantFrom('http' as const, 'https' as const),
        hostname: fc.constant('new.test'),
        port: fc.constantFrom(0, 80, 8443),
        path: pathRewrite,
        dropQuery: fc.boolean(),
      },
      { requiredKeys: ['status'] },
    ),
  }),
);
/** Left out more often than not. */
const seldom = <T>(value: T): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constant(value));
const route: fc.Arbitrary<Partial<Route> & Pick<Route, 'path' | 'action'>> = fc
  .record({
    path: pathMatch,
    method: seldom('POST'),
    headers: seldom([{ name: 'x-user', match: { type: 'present' as const } }]),
    query: seldom([{ name: 'q', match: { type: 'exact' as const, value: '1' } }]),
    filters: fc.oneof(filters, fc.constant(undefined)),
    action,
  })
  .map(({ path, action, ...rest }) => {
    const told = Object.entries(rest).filter(([, value]) => value !== undefined);
    return { path, action, ...Object.fromEntries(told) };
  });

const lines: readonly (readonly [string, string])[] = [
  ['x-user', 'ann'],
  ['X-User', 'bob'],
  ['origin', 'https://a.test'],
  ['access-control-request-method', 'GET'],
  ['content-length', '20'],
  ['content-length', '40'],
  ['x-long', 'x'.repeat(1024)],
  ['x-forwarded-for', '10.1.2.3'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-host', 'far.test'],
  ['x-forwarded-port', '444'],
  ['host', 'Other.Test'],
  ['expect', 'nonsense'],
];
const seldomSent = new Set(['host', 'expect', 'x-long']);
const question = fc.record({
  method: fc.oneof({ weight: 19, arbitrary: fc.constantFrom('GET', 'POST', 'OPTIONS') }, fc.constant('CONNECT')),
  target: fc.oneof(
    {
      weight: 9,
      arbitrary: fc.tuple(path, fc.constantFrom('', '/', '?q=1', '?q=2&q=1')).map((parts) => parts.join('')),
    },
    fc.constantFrom('/a/../b', '/%61', '//a', '/a%00', '/a/..%2Fb', '/a\\b', '/é'),
  ),
  headers: fc
    .uniqueArray(fc.constantFrom(...lines), { maxLength: 5, selector: ([name]) => name.toLowerCase() })
    .map((some) => (some.length > 3 ? some : some.filter(([name]) => !seldomSent.has(name)))),
});

const harness = new Harness();
let ports: number[] = [];

beforeAll(async () => {
  const servers = await Promise.all(
    [1, 2].map(() =>
      harness.backend(
        httpBackend((request, response) => {
          const { method = '', url = '', headers, rawHeaders: raw } = request;
          const { port } = request.socket.address() as AddressInfo;
          request.resume().on('end', () => {
            response
              .setHeader('x-port', port)
              .end(JSON.stringify({ method, url, headers, raw, body: '' } satisfies Echo));
          });
        }),
      ),
    ),
  );
  ports = servers.map(({ port }) => port);
});
afterAll(() => harness.close());

it('a request meets what its explanation says', { timeout: 120_000 }, async () => {
  const engine = await harness.engine({ trustedProxies: ['127.0.0.1'], limits: { body: 30, head: 1024 } });
  await fc.assert(
    fc.asyncProperty(
      fc.array(route, { minLength: 1, maxLength: 5 }),
      fc.array(question, { minLength: 4, maxLength: 12 }),
      async (routes, questions) => {
        const [first, ...rest] = routes;
        // Something for every request, so that few of them end at a 404.
        const everything = { path: { type: 'prefix' as const, value: '/' } };
        const named = [...rest, { ...first, ...everything, action: first?.action as RouteAction }]
          .map((one, place) => ({ ...one, name: `r${place}`, metricName: `r${place}` }))
          .map((one) =>
            routeProblems(one).length === 0 ? one : { ...one, path: { type: 'prefix' as const, value: '/' } },
          );
        engine.publish(
          update({
            listeners: new Map([['http', listener()]]),
            virtualHosts: new Map([['a', { hostname: 'a.test', wildcard: 'any-labels', routes: named }]]),
            clusters: new Map(Object.entries(policies).map(([name, of]) => [name, cluster(name, of)])),
            endpoints: new Map(
              Object.keys(policies).map((name) => [
                name,
                (name === 'empty' ? [] : name === 'one' ? ports.slice(0, 1) : ports).map((port) => endpoint(port)),
              ]),
            ),
          }),
        );
        await engine.applied();
        const port = portOf(engine);
        for (const asked of questions) {
          const whole: Question = {
            scheme: 'http',
            host: 'a.test',
            port,
            clientAddress: '127.0.0.1',
            listener: '',
            ...asked,
          };
          const explanation = await engine.explain(whole);
          agree(explanation, await send(port, whole));
        }
      },
    ),
    { numRuns: 100 },
  );
});

async function send(port: number, { method, target, headers }: Question): Promise<Answer> {
  const own = headers.some(([name]) => name === 'host') ? '' : `Host: a.test:${port}\r\n`;
  const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? 0);
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const text = `${method} ${target} HTTP/1.1\r\n${own}${head}Connection: close\r\n\r\n${'x'.repeat(length)}`;
  return read(await exchange(port, text));
}

function agree(explanation: Explanation, answer: Answer): void {
  const { verdict, status, location, summary, backends } = explanation;
  const mixed = verdict === 'unavailable' && status === undefined;
  if (verdict !== 'forwarded' && !mixed) {
    expect([answer.status, answer.headers.location], summary).toEqual([status, location]);
    return;
  }
  const open = backends.filter(({ share }) => share > 0);
  if (answer.status !== 200) {
    // One of several that fail, or that a filter stands before.
    const told = open.map(({ answer: own, problem }) => own?.status ?? (problem === undefined ? 200 : 503));
    expect(told, summary).toContain(answer.status);
    return;
  }
  if (answer.headers['x-port'] === undefined) {
    // A filter of one of several has answered a preflight.
    expect(
      open.map(({ answer: own }) => own?.status),
      summary,
    ).toContain(200);
    return;
  }
  const key = `127.0.0.1:${answer.headers['x-port']}`;
  const { url, headers } = echoOf(answer);
  const possible = open
    .filter(
      ({ endpoints, answer: own }) => own === undefined && endpoints.some((one) => one.key === key && one.chance > 0),
    )
    .map(({ sentAs }) => sentAs ?? { host: expect.any(String), path: explanation.request.path });
  expect(possible, summary).toContainEqual({ host: headers.host, path: url });
}
