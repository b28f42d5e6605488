// HTTPRoutes over real connections: what each field does to requests of clients, and to those that backends get.
// Knows the API from the outside; backends are servers of the test.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, type Question } from '../support/http.ts';
import { type HttpApp, httpApp, type Seen } from './http-app.ts';
import { addressOf, answers, gateway, httpRoute, routeTells, serviceOf } from './kit.ts';

const PATIENT = { timeout: 60_000 };
const to = (name: string, weight?: number): string =>
  `{ name: ${name}, port: 80${weight === undefined ? '' : `, weight: ${weight}`} }`;

const shop = '{ name: shop }';
const routes = [
  httpRoute(
    'matches',
    shop,
    `
    - matches: [{ path: { value: / } }]
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /one } }, { path: { value: /query }, queryParams: [{ name: v, value: "2" }] }]
      backendRefs: [${to('b')}]
    - matches: [{ path: { type: Exact, value: /one/exact } }, { headers: [{ name: Version, value: two }] }, { path: { type: RegularExpression, value: "/item/[0-9]+" } }]
      backendRefs: [${to('c')}]
    - matches: [{ path: { value: /method }, method: POST }]
      backendRefs: [${to('b')}]`,
    '  hostnames: [matches.example]',
  ),
  httpRoute(
    'edits',
    shop,
    `
    - matches: [{ path: { value: /headers } }]
      filters:
        - { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-set, value: new }], add: [{ name: x-add, value: more }], remove: [x-gone] } }
        - { type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-own, value: gateway }], add: [{ name: x-more, value: "1" }] } }
      backendRefs:
        - name: a
          port: 80
          filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-backend, value: only-a }] } }]
    - matches: [{ path: { value: /rewrite/prefix } }]
      filters: [{ type: URLRewrite, urlRewrite: { hostname: inner.example, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }]
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /rewrite/full } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /whole } } }]
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /redirect/https } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, statusCode: 301 } }]
    - matches: [{ path: { value: /redirect/path } }]
      filters: [{ type: RequestRedirect, requestRedirect: { hostname: other.example, port: 8443, statusCode: 308, path: { type: ReplacePrefixMatch, replacePrefixMatch: /moved } } }]
    - matches: [{ path: { value: /mirror } }]
      filters:
        - { type: RequestMirror, requestMirror: { backendRef: ${to('b')} } }
        - { type: RequestMirror, requestMirror: { backendRef: ${to('c')}, percent: 0 } }
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /cors } }]
      filters: [{ type: CORS, cors: { allowOrigins: ["https://*.example"], allowMethods: [GET, PUT], allowHeaders: [x-token], allowCredentials: true, maxAge: 60 } }]
      backendRefs: [${to('a')}]`,
    '  hostnames: [edits.example]',
  ),
  httpRoute(
    'ways',
    shop,
    `
    - matches: [{ path: { value: /split } }]
      backendRefs: [${to('a', 3)}, ${to('b', 1)}, ${to('c', 0)}]
    - matches: [{ path: { value: /half } }]
      backendRefs: [${to('a')}, ${to('nobody')}]
    - matches: [{ path: { value: /nobody } }]
      backendRefs: [${to('nobody')}]
    - matches: [{ path: { value: /idle } }]
      backendRefs: [${to('idle')}]
    - matches: [{ path: { value: /slow } }]
      timeouts: { request: 200ms }
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /slow/300/try } }]
      timeouts: { request: 5s, backendRequest: 150ms }
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /fail } }]
      retry: { attempts: 2, codes: [503] }
      backendRefs: [${to('a')}]
    - matches: [{ path: { value: /sticky } }]
      sessionPersistence: { sessionName: keeps }
      backendRefs: [${to('a')}, ${to('b')}]
    - matches: [{ path: { value: /filter } }]
      filters: [{ type: ExtensionRef, extensionRef: { group: example.com, kind: Slow, name: down } }]
      backendRefs: [${to('a')}]`,
    '  hostnames: [ways.example]',
  ),
];

describe('HTTPRoutes', PATIENT, () => {
  let cluster: TestCluster;
  let apps: readonly HttpApp[];
  let url: string;
  beforeAll(async () => {
    apps = await Promise.all(['a', 'b', 'c'].map(httpApp));
    const services = apps.map(({ name, port }) => serviceOf(name, port)).join('');
    const idle = '\n---\napiVersion: v1\nkind: Service\nmetadata: { name: idle }\nspec: { ports: [{ port: 80 }] }\n';
    const listeners =
      '{ name: any, protocol: HTTP, port: 8080 }, { name: wild, protocol: HTTP, port: 8080, hostname: "*.wild.example" }';
    cluster = await startCluster(['-'], {
      input: `${services.slice(4)}${idle}${gateway('shop', listeners)}${routes.join('')}`,
    });
    url = `http://${await addressOf(cluster, 'shop')}:8080`;
    await answers(`${url}/split`, 200, { host: 'ways.example' });
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const app of apps ?? []) app.close();
  }, 30_000);

  const send = (host: string, path: string, question: Question = {}): Promise<Answer> =>
    ask(`${url}${path}`, { host, ...question });
  const seen = async (host: string, path: string, question: Question = {}): Promise<Seen> => {
    const { text } = await send(host, path, question);
    return JSON.parse(text) as Seen;
  };

  test.each([
    ['/', {}, 'a'],
    ['/one', {}, 'b'],
    ['/one/two', {}, 'b'],
    ['/onetwo', {}, 'a'],
    ['/one/exact', {}, 'c'],
    ['/one/exact/not', {}, 'b'],
    ['/query?v=2', {}, 'b'],
    ['/query?v=3', {}, 'a'],
    ['/', { headers: { version: 'two' } }, 'c'],
    // A longer path comes before more headers.
    ['/one', { headers: { version: 'two' } }, 'b'],
    ['/method', { method: 'POST' }, 'b'],
    ['/method', {}, 'a'],
  ] as const)('%s %o goes to %s', async (path, question, app) => {
    expect((await seen('matches.example', path, question)).app).toBe(app);
  });

  test('a port in the Host header, and its case, do not count; a host that nobody wants gets 404', async () => {
    expect((await seen('Matches.Example:8080', '/one')).app).toBe('b');
    expect((await send('nobody.example', '/one')).status).toBe(404);
  });

  test('headers are edited for the backend and for the client, of a rule and of a backend alone', async () => {
    const answer = await send('edits.example', '/headers', {
      headers: { 'x-set': 'old', 'x-add': 'one', 'x-gone': 'x' },
    });
    const { headers } = JSON.parse(answer.text) as Seen;
    expect(headers).toMatchObject({ 'x-set': 'new', 'x-add': 'one, more', 'x-backend': 'only-a' });
    expect(headers).not.toHaveProperty('x-gone');
    expect(answer.headers).toMatchObject({ 'x-own': 'gateway', 'x-more': '1' });
  });

  test('paths and hosts are rewritten', async () => {
    const first = await seen('edits.example', '/rewrite/prefix/a?b=c');
    expect(first).toMatchObject({ path: '/new/a?b=c', headers: { host: 'inner.example' } });
    expect(await seen('edits.example', '/rewrite/full/a')).toMatchObject({ path: '/whole' });
  });

  test.each([
    ['/redirect/https/a?b=c', 301, 'https://edits.example/redirect/https/a?b=c'],
    ['/redirect/path/a', 308, 'http://other.example:8443/moved/a'],
  ])('%s is redirected', async (path, status, location) => {
    const answer = await send('edits.example', path);
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
  });

  test('a copy goes to each mirror, as often as it asks for', async () => {
    const [, b, c] = apps as [HttpApp, HttpApp, HttpApp];
    expect((await seen('edits.example', '/mirror/1')).app).toBe('a');
    await eventually('the mirror has its copy', async () => expect(b.seen.get('/mirror/1')).toBe(1));
    expect(c.seen.get('/mirror/1')).toBeUndefined();
  });

  test('CORS lets an origin in and answers its preflight, and no other', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'PUT' },
    };
    const answer = await send('edits.example', '/cors', preflight);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '60',
    });
    const stranger = await send('edits.example', '/cors', { headers: { origin: 'https://evil.test' } });
    expect(stranger.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('weights are kept exactly, and 0 gets nothing', async () => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < 40; i++) {
      const { app } = await seen('ways.example', '/split');
      counts[app] = (counts[app] ?? 0) + 1;
    }
    expect(counts.c).toBeUndefined();
    // One worker is exact; of two each is, over its own.
    expect(counts.a).toBeGreaterThanOrEqual(28);
    expect(counts.a).toBeLessThanOrEqual(32);
  });

  test('a backend that is not there answers 500 for its share, and one without endpoints 503', async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 20; i++) statuses.add((await send('ways.example', '/half')).status);
    expect([...statuses].sort()).toEqual([200, 500]);
    expect((await send('ways.example', '/nobody')).status).toBe(500);
    expect((await send('ways.example', '/idle')).status).toBe(503);
    expect(await routeTells(cluster, 'HTTPRoute', 'ways', 'ResolvedRefs', 'BackendNotFound')).toContain(
      '"default/nobody"',
    );
  });

  test('time-outs end a request and a try; retries repeat what they are for', async () => {
    expect((await send('ways.example', '/slow/2000')).status).toBe(504);
    expect((await send('ways.example', '/slow/300/try')).status).toBe(504);
    expect((await send('ways.example', '/fail/2')).status).toBe(200);
    expect((await send('ways.example', '/fail/9')).status).toBe(503);
    expect((apps[0] as HttpApp).seen.get('/fail/9')).toBe(3);
  });

  test('a client stays with its backend by the cookie that it got', async () => {
    const first = await send('ways.example', '/sticky');
    const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^keeps=/);
    const app = (JSON.parse(first.text) as Seen).app;
    for (let i = 0; i < 10; i++) expect((await seen('ways.example', '/sticky', { headers: { cookie } })).app).toBe(app);
  });

  test('a filter that nobody serves lets no request pass, and costs the other rules nothing', async () => {
    expect((await send('ways.example', '/filter')).status).toBe(500);
    expect(await routeTells(cluster, 'HTTPRoute', 'ways', 'PartiallyInvalid', 'UnsupportedValue')).toMatch(
      /^Dropped Rule 8: .*example.com\/Slow/,
    );
  });

  test('a route of another namespace is let in by its listener, and reaches its Service by a grant only', async () => {
    await cluster.apply(`
apiVersion: v1
kind: Namespace
metadata: { name: team }
${serviceOf('d', (apps[2] as HttpApp).port, '', 'team')}
${httpRoute('crossing', '{ name: shop }', '[{ backendRefs: [{ name: d, namespace: team, port: 80 }] }]', '  hostnames: [crossing.example]')}`);
    expect(await routeTells(cluster, 'HTTPRoute', 'crossing', 'ResolvedRefs', 'RefNotPermitted')).toContain(
      'ReferenceGrant',
    );
    await answers(`${url}/`, 500, { host: 'crossing.example' });
    await cluster.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: routes, namespace: team }
spec: { from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }], to: [{ group: "", kind: Service }] }`);
    expect((JSON.parse((await answers(`${url}/`, 200, { host: 'crossing.example' })).text) as Seen).app).toBe('c');
  });

  test('requests for the host of a listener go to routes of that listener only', async () => {
    await cluster.apply(
      `${httpRoute('everywhere', '{ name: shop, sectionName: any }', `[{ backendRefs: [${to('a')}] }]`)}${httpRoute('wild', '{ name: shop, sectionName: wild }', `[{ matches: [{ path: { value: /w } }], backendRefs: [${to('b')}] }]`)}`.slice(
        4,
      ),
    );
    await answers(`${url}/w`, 200, { host: 'x.y.wild.example' });
    expect((await send('x.y.wild.example', '/')).status).toBe(404);
    await answers(`${url}/`, 200, { host: 'other.example' });
  });

  test('a status that is right is not written again', async () => {
    const version = async (): Promise<string | undefined> =>
      (
        await cluster.client.get(
          {
            group: 'gateway.networking.k8s.io',
            version: 'v1',
            resource: 'httproutes',
            kind: 'HTTPRoute',
            namespaced: true,
          },
          'matches',
          'default',
        )
      ).metadata?.resourceVersion;
    const before = await version();
    await cluster.apply(
      httpRoute('another', shop, `[{ backendRefs: [${to('a')}] }]`, '  hostnames: [another.example]').slice(4),
    );
    await answers(`${url}/`, 200, { host: 'another.example' });
    await routeTells(cluster, 'HTTPRoute', 'another', 'Accepted', 'Accepted');
    expect(await version()).toBe(before);
  });
});
