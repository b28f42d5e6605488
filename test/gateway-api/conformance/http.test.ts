// What the conformance suite of the Gateway API asks of HTTPRoutes, in our own words, over real connections.
// Every title begins with the name of the suite's test, as docs/gateway-api.md lists it. Backends are servers of the test.
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { AnyRoute } from '#kube/api/gateway/types.ts';
import { startCluster, type TestCluster } from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { type Answer, ask, type Question } from '../../support/http.ts';
import { type HttpApp, httpApp, type Seen } from '../http-app.ts';
import { addressOf, answers, conditionOf, gateway, routeTells, serviceOf, sliceOf } from '../kit.ts';
import { objects, rows, statuses } from './http-cases.ts';

describe('HTTPRoutes', { timeout: 60_000 }, () => {
  let cluster: TestCluster;
  let apps: readonly HttpApp[];
  let h2c: Http2Server;
  const urls = new Map<string, string>();

  beforeAll(async () => {
    apps = await Promise.all(['a', 'b', 'c', 'd'].map(httpApp));
    h2c = createHttp2Server((_request, response) => response.end(JSON.stringify({ app: 'h2c' })));
    await new Promise<void>((resolve) => h2c.listen(0, '127.0.0.1', resolve));
    const port = (name: string): number => apps.find((app) => app.name === name)?.port ?? 0;
    cluster = await startCluster(['-'], {
      input: [
        'apiVersion: v1\nkind: Namespace\nmetadata: { name: team }\n',
        ...['a', 'b', 'c'].map((name) => serviceOf(name, port(name))),
        ...['d', 'granted'].map((name) => serviceOf(name, port('d'), '', 'team')),
        serviceOf('headless', port('c')).replace('spec: { ports', 'spec: { clusterIP: None, ports'),
        serviceOf('h2c', (h2c.address() as AddressInfo).port, 'appProtocol: kubernetes.io/h2c'),
        // One endpoint that nobody listens at, and one that answers.
        serviceOf('refused', 9),
        sliceOf('refused', port('a'), '2'),
        `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: one, namespace: team }
spec: { from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }], to: [{ group: "", kind: Service, name: granted }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: not-for-us, namespace: team }
spec: { from: [{ group: gateway.networking.k8s.io, kind: TLSRoute, namespace: default }, { group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team }], to: [{ group: "", kind: Service }] }
`,
        gateway(
          'main',
          `{ name: plain, protocol: HTTP, port: 8080 }, { name: open, protocol: HTTP, port: 8081, allowedRoutes: { namespaces: { from: All } } },
           { name: ported, protocol: HTTP, port: 8082 }, { name: calls, protocol: HTTP, port: 8083, allowedRoutes: { kinds: [{ kind: GRPCRoute }] } }`,
        ),
        gateway(
          'hosts',
          `{ name: bar, protocol: HTTP, port: 8080, hostname: bar.com }, { name: foo-bar, protocol: HTTP, port: 8080, hostname: foo.bar.com },
           { name: wild, protocol: HTTP, port: 8080, hostname: "*.bar.com" }`,
        ),
        gateway(
          'meeting',
          `{ name: exact, protocol: HTTP, port: 8080, hostname: very.specific.com }, { name: wild, protocol: HTTP, port: 8080, hostname: "*.wildcard.io" },
           { name: any-wild, protocol: HTTP, port: 8080, hostname: "*.anotherwildcard.io" }`,
        ),
        ...objects,
      ].join(''),
    });
    for (const name of ['main', 'hosts', 'meeting']) urls.set(name, `http://${await addressOf(cluster, name)}:8080`);
    const mine = urls.get('main') ?? '';
    urls.set('open', mine.replace(/8080$/, '8081'));
    urls.set('ported', mine.replace(/8080$/, '8082'));
    await answers(`${mine}/copied`, 200, { host: 'edits.example' });
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    h2c?.close();
    for (const app of apps ?? []) app.close();
  }, 30_000);

  /** `GATEWAY|HOST`, or a host of the main one. */
  const send = (where: string, path: string, question: Question = {}): Promise<Answer> => {
    const [name = '', host = ''] = where.includes('|') ? where.split('|') : ['main', where];
    return ask(`${urls.get(name)}${path}`, { host, ...question });
  };
  const seen = async (host: string, path: string, question: Question = {}): Promise<Seen> =>
    JSON.parse((await send(host, path, question)).text) as Seen;
  const count = async (path: string, times: number): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < times; i++) {
      const { app } = await seen('backends.example', path);
      counts[app] = (counts[app] ?? 0) + 1;
    }
    return counts;
  };

  test.each(rows)('%s: %s%s %o -> %s', async (_test, host, path, question, expected) => {
    const { status, text } = await send(host, path, question);
    if (typeof expected === 'number') expect(status, text).toBe(expected);
    else expect([status, (JSON.parse(text) as Seen).app]).toEqual([200, expected]);
  });

  test.each(statuses)('%s: %s says %s %s', async (_test, name, type, reason) => {
    const [namespace, own] = name.includes('/') ? (name.split('/') as [string, string]) : ['default', name];
    await routeTells(cluster, 'HTTPRoute', own, type, reason, namespace);
  });

  test('HTTPRouteReferenceGrant: a grant that comes lets a reference in, and one that goes shuts it out', async () => {
    const grant = { group: 'gateway.networking.k8s.io', kind: 'ReferenceGrant', name: 'late', namespace: 'team' };
    await cluster.apply(`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: ${grant.name}, namespace: ${grant.namespace} }
spec: { from: [{ group: ${grant.group}, kind: HTTPRoute, namespace: default }], to: [{ group: "", kind: Service, name: d }] }`);
    await answers(`${urls.get('main')}/`, 200, { host: 'far.example' });
    await routeTells(cluster, 'HTTPRoute', 'far', 'ResolvedRefs', 'ResolvedRefs');
    await cluster.client.delete(gatewayResource('ReferenceGrant'), grant.name, grant.namespace);
    await answers(`${urls.get('main')}/`, 500, { host: 'far.example' });
    await routeTells(cluster, 'HTTPRoute', 'far', 'ResolvedRefs', 'RefNotPermitted');
  });

  test('HTTPRouteWeight: shares are as the weights say, and 0 gets nothing', async () => {
    const counts = await count('/weights', 100);
    expect(Object.keys(counts).sort()).toEqual(['a', 'b']);
    expect(Math.abs((counts.a ?? 0) - 70)).toBeLessThanOrEqual(5);
  });

  test('HTTPRouteObservedGenerationBump: every condition is of the route as it is now', async () => {
    const route = gatewayResource('HTTPRoute');
    const before = await cluster.client.get<AnyRoute>(route, 'port', 'default');
    await cluster.client.patch(route, 'port', 'default', 'merge', { spec: { hostnames: ['moved.example'] } });
    await eventually('conditions are of the new generation', async () => {
      const { metadata, status } = await cluster.client.get<AnyRoute>(route, 'port', 'default');
      expect(metadata?.generation).toBe((before.metadata?.generation ?? 0) + 1);
      const conditions = status?.parents?.flatMap((parent) => parent.conditions ?? []) ?? [];
      expect(conditions.length).toBeGreaterThanOrEqual(2);
      for (const condition of conditions) expect(condition.observedGeneration).toBe(metadata?.generation);
    });
    await answers(`${urls.get('ported')}/`, 200, { host: 'moved.example' });
  });

  test('HTTPRouteMultipleGateways: a route has a word of each of its parents', async () => {
    const { status } = await cluster.client.get<AnyRoute>(gatewayResource('HTTPRoute'), 'two-parents', 'default');
    const words = status?.parents?.map(({ parentRef, conditions }) => [
      parentRef.name,
      conditionOf(conditions, 'Accepted')?.status,
    ]);
    expect(words?.sort()).toEqual([
      ['hosts', 'True'],
      ['main', 'True'],
    ]);
  });

  test.each([
    ['HTTPRouteRedirectHostAndStatus', '/redirect/host', 302, 'http://example.org:8080/redirect/host'],
    ['HTTPRouteRedirectHostAndStatus', '/redirect/301', 301, 'http://example.org:8080/redirect/301'],
    ['HTTPRouteRedirectHostAndStatus', '/redirect/302', 302, 'http://example.org:8080/redirect/302'],
    ['HTTPRoute303Redirect', '/redirect/303', 303, 'http://example.org:8080/redirect/303'],
    ['HTTPRoute307Redirect', '/redirect/307', 307, 'http://example.org:8080/redirect/307'],
    ['HTTPRoute308Redirect', '/redirect/308', 308, 'http://example.org:8080/redirect/308'],
    ['HTTPRouteRedirectPort', '/redirect/port', 302, 'http://edits.example:8083/redirect/port'],
    ['HTTPRouteRedirectScheme', '/redirect/scheme', 302, 'https://example.org/redirect/scheme'],
    ['HTTPRouteRedirectPortAndScheme', '/redirect/both', 302, 'https://example.org:8443/redirect/both'],
    ['HTTPRouteRedirectPortAndScheme', '/redirect/well-known', 302, 'http://example.org/redirect/well-known'],
    ['HTTPRouteRedirectPath', '/original/prefix/leaf?q=1', 302, 'http://edits.example:8080/replaced/leaf?q=1'],
    ['HTTPRouteRedirectPath', '/full/path', 302, 'http://example.org:8080/whole'],
  ])('%s: %s', async (_test, path, status, location) => {
    const answer = await send('edits.example', path);
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
  });

  test.each([
    ['HTTPRouteRewritePath', '/strip/one', { path: '/one' }],
    ['HTTPRouteRewritePath', '/strip', { path: '/' }],
    ['HTTPRouteRewriteHost', '/rewrite/both', { path: '/prefix', headers: { host: 'one.example.org' } }],
    ['HTTPRouteRequestHeaderModifier', '/rewrite/both', { headers: { 'x-add': 'some, more', 'x-set': 'new' } }],
    ['HTTPRouteBackendURLRewrite', '/inner/x', { path: '/own/x', headers: { host: 'inner.example' } }],
  ])('%s: %s reaches its backend as %o', async (_test, path, expected) => {
    const headers = { 'X-Add': 'some', 'X-Set': 'old', 'X-Gone': 'here' };
    const got = await seen('edits.example', path, { headers });
    expect(got).toMatchObject(expected);
    if (path.startsWith('/rewrite')) expect(got.headers).not.toHaveProperty('x-gone');
  });

  test('HTTPRouteRequestHeaderModifierBackendWeights, HTTPRouteBackendRequestHeaderModifier: each backend has headers of its own', async () => {
    const shares = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { app, headers } = await seen('edits.example', '/shares');
      expect(headers['x-share']).toBe(`of-${app}`);
      shares.add(app);
    }
    expect([...shares].sort()).toEqual(['a', 'b']);
  });

  test('HTTPRouteResponseHeaderModifier: headers of answers are set, added and removed', async () => {
    const { headers } = await send('edits.example', '/answered');
    expect(headers).toMatchObject({ 'x-own': 'gateway', 'x-more': 'one' });
    expect(headers).not.toHaveProperty('content-type');
  });

  test('HTTPRouteRequestMirror, HTTPRouteRequestMultipleMirrors, HTTPRouteNamedRule: every mirror has its copy', async () => {
    const [, b, c] = apps as [HttpApp, HttpApp, HttpApp];
    expect((await seen('edits.example', '/copied/once')).app).toBe('a');
    await eventually('the copies are there', async () => {
      expect([b.seen.get('/copied/once'), c.seen.get('/copied/once')]).toEqual([1, 1]);
    });
  });

  test('HTTPRouteRequestPercentageMirror: of a half, about a half', async () => {
    const b = apps[1] as HttpApp;
    for (let i = 0; i < 200; i++) await send('edits.example', '/half-copied/x');
    await eventually('about a half', async () => {
      const copies = b.seen.get('/half-copied/x') ?? 0;
      expect(copies).toBeGreaterThanOrEqual(70);
    });
    expect(b.seen.get('/half-copied/x')).toBeLessThanOrEqual(130);
  });

  test('HTTPRouteRetryBackendTimeout: as many tries as are asked for', () => {
    expect((apps[0] as HttpApp).seen.get('/slow/400/tried')).toBe(3);
  });

  describe('HTTPRouteCORS', () => {
    const preflight = (path: string, origin: string, method: string, wanted?: string): Promise<Answer> =>
      send('cors.example', path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': method,
          ...(wanted === undefined ? {} : { 'access-control-request-headers': wanted }),
        },
      });
    const allowed = (answer: Answer): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(answer.headers)
          .filter(([name]) => name.startsWith('access-control-'))
          .map(([name, value]) => [name.slice('access-control-'.length), value]),
      );

    test.each(['https://www.foo.com', 'https://www.bar.com', 'https://xpto.www.bar.com'])(
      'HTTPRouteCORS: a preflight of %s is answered with all that is allowed',
      async (origin) => {
        const answer = await preflight('/cors/listed', origin, 'GET', 'x-one, x-two');
        expect(answer.status).toBe(200);
        expect(allowed(answer)).toEqual({
          'allow-origin': origin,
          'allow-methods': 'GET, OPTIONS',
          'allow-headers': 'x-one, x-two',
          'expose-headers': 'x-three, x-four',
          'max-age': '3600',
          'allow-credentials': 'true',
        });
      },
    );

    test('HTTPRouteCORS: methods by wildcard, without credentials', async () => {
      const answer = await preflight('/cors/methods', 'https://www.foo.com', 'POST');
      expect(answer.status).toBe(200);
      expect(allowed(answer)).toMatchObject({ 'allow-origin': 'https://www.foo.com', 'allow-methods': '*' });
      expect(allowed(answer)).not.toHaveProperty('allow-credentials');
    });

    test.each(['https://foobar.com', 'https://foobar.com:12345'])(
      'HTTPRouteCORS: anybody, such as %s',
      async (origin) => {
        for (const answer of [
          await preflight('/cors/anybody', origin, 'PUT'),
          await send('cors.example', '/cors/anybody', { method: 'PUT', headers: { origin } }),
        ]) {
          expect(answer.status).toBe(200);
          expect(allowed(answer)['allow-origin']).toBe('*');
          expect(allowed(answer)).not.toHaveProperty('allow-credentials');
        }
        expect(allowed(await preflight('/cors/anybody', origin, 'PUT'))['allow-methods']).toBe('PUT');
      },
    );

    test('HTTPRouteCORS: with credentials what was asked for is said, and no wildcard', async () => {
      const origin = 'https://other.foo.com';
      const answer = await preflight('/cors/echo', origin, 'PUT', 'x-one, x-two');
      expect(answer.status).toBe(200);
      expect(allowed(answer)).toMatchObject({
        'allow-origin': origin,
        'allow-methods': 'PUT',
        'allow-headers': 'x-one, x-two',
        'allow-credentials': 'true',
      });
    });

    test('HTTPRouteCORS: strangers get nothing to go by', async () => {
      const stranger = 'https://foobar.com';
      const answer = await preflight('/cors/listed', stranger, 'GET');
      expect([200, 204, 403]).toContain(answer.status);
      expect(allowed(answer)).toEqual({});
      const simple = await send('cors.example', '/cors/listed', { headers: { origin: stranger } });
      expect([simple.status, allowed(simple)]).toEqual([200, {}]);
    });

    test('HTTPRouteCORSAllowCredentialsBehavior: credentials are for origins that may, where they may', async () => {
      const headers = { cookie: 'sid=1', authorization: 'Bearer x' };
      const of = async (path: string, origin: string): Promise<Record<string, unknown>> =>
        allowed(await send('cors.example', path, { headers: { ...headers, origin } }));
      expect(await of('/cors/methods', 'https://www.foo.com')).toEqual({ 'allow-origin': 'https://www.foo.com' });
      expect(await of('/cors/echo', 'http://other.foo.com')).toEqual({});
      expect(await of('/cors/echo', 'https://other.foo.com')).toMatchObject({
        'allow-origin': 'https://other.foo.com',
        'allow-credentials': 'true',
      });
    });
  });
});
