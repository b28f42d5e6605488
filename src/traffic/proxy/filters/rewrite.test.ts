// Rewrites of host and path, redirects and direct responses: through the real engine, and as laws of text.

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PathRewrite, Redirect, Route } from '#traffic/model/ir.ts';
import { replacePrefix } from '#traffic/model/path-rewrite.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { normalisePath } from '../http1/target.ts';
import { Harness } from '../testing/harness.ts';
import { route } from '../testing/model.ts';
import { exchange } from '../testing/peers.ts';
import { pathRewriter } from './path-rewriter.ts';
import { ask, echoOf, FilterLab } from './testing.ts';

const harness = new Harness();
let lab: FilterLab;
beforeEach(() => {
  lab = new FilterLab(harness);
});
afterEach(() => harness.close());

const prefix = (value: string): Route['path'] => ({ type: 'prefix', value });

describe('a prefix', () => {
  // The table of Gateway API's ReplacePrefixMatch.
  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/bar', '/', '/xyz', '/xyz/bar'],
  ])('of %s, %s to "%s", gives %s', (path, matched, replacement, expected) => {
    expect(replacePrefix(path, matched, replacement)).toBe(expected);
  });

  const segments = fc.array(fc.stringMatching(/^[a-z0-9]{1,4}$/), { maxLength: 4 });
  const slash = fc.constantFrom('', '/');

  it('always gives a path that is in the one form already, and back again', () => {
    fc.assert(
      fc.property(segments, segments, segments, slash, slash, slash, (matched, rest, replacement, a, b, c) => {
        const join = (parts: readonly string[]): string => parts.map((part) => `/${part}`).join('');
        const path = `${join(matched)}${join(rest)}${c}` || '/';
        const from = join(matched) + a || '/';
        const to = join(replacement) + b;
        const out = replacePrefix(path, from, to);
        expect(normalisePath(out)).toBe(out);
        expect(out.startsWith('//')).toBe(false);
        if (rest.length > 0) {
          expect(out).toBe(join(replacement) + join(rest) + c);
          expect(replacePrefix(out, to === '' ? '/' : to, from)).toBe(path);
        }
      }),
    );
  });
});

describe('a regular expression', () => {
  it.each([
    ['^/api/v([0-9]+)/(.*)$', '/\\2/of/\\1', '/api/v3/items', '/items/of/3'],
    ['o', '0', '/foo/boo', '/f00/b00'],
    ['x*', '-', '/ab', '/-/-a-b-'],
    ['^/nothing', '/x', '/a', '/a'],
    ['^/', '', '/a', '/a'],
    // Pieces that make a dot segment, or two slashes, together.
    ['b', '', '/a/.b./c', '/c'],
    ['b', '', '/a/b/c', '/a/c'],
    ['b', 'é', '/b', '/%C3%A9'],
    ['.*', '', '/a', '/'],
  ])('%s to %s turns %s into %s', (pattern, substitution, path, expected) => {
    const rewriter = pathRewriter({ type: 'regex', pattern, substitution }, prefix('/'));
    expect(rewriter(path)).toBe(expected);
  });

  it('takes time that is linear in the path', () => {
    const rewriter = pathRewriter({ type: 'regex', pattern: '(a+)+$', substitution: 'x' }, prefix('/'));
    expect(rewriter(`/${'a'.repeat(8000)}b`)).toBe(`/${'a'.repeat(8000)}b`);
  });
});

describe('rewrites that cannot be served', () => {
  it.each<[PathRewrite, Route['path'], RegExp]>([
    [{ type: 'full', value: 'a' }, prefix('/'), /must begin with "\/"/],
    [{ type: 'full', value: '/a?b' }, prefix('/'), /character that no path has/],
    [{ type: 'full', value: '/a\r\nX: y' }, prefix('/'), /character that no path has/],
    [{ type: 'prefix', value: '//evil.test' }, prefix('/'), /empty, "\." or "\.\." segment/],
    [{ type: 'prefix', value: '/%2e%2E/a' }, prefix('/'), /empty, "\." or "\.\." segment/],
    [{ type: 'prefix', value: '/a' }, { type: 'regex', value: '/.*' }, /use a regex rewrite/],
    [{ type: 'regex', pattern: '(', substitution: '' }, prefix('/'), /not a regular expression: missing closing \)/],
    [{ type: 'regex', pattern: '(a)', substitution: '\\2' }, prefix('/'), /names group 2, but pattern "\(a\)" has 1/],
    [{ type: 'regex', pattern: 'a', substitution: '?x=1' }, prefix('/'), /character that no path has/],
  ])('%j of %j', (path, match, message) => {
    const problems = routeProblems({ ...route('a'), path: match, filters: [{ type: 'rewrite', path }] });
    expect(problems).toEqual([expect.stringMatching(message)]);
  });
});

describe('a request', () => {
  it('is forwarded with host and path rewritten, its query kept, and logged as it came', async () => {
    const port = await lab.serve({
      path: prefix('/shop'),
      filters: [{ type: 'rewrite', hostname: 'inner.test', path: { type: 'prefix', value: '/v1' } }],
    });
    const got = echoOf(await ask(port, 'GET /shop/items?q=/shop', 'Host: Shop.Test:81'));
    expect(got.url).toBe('/v1/items?q=/shop');
    expect(got.headers).toMatchObject({ host: 'inner.test', 'x-forwarded-host': 'Shop.Test:81' });
  });

  it('takes a rewritten path to each try', async () => {
    const seen: string[] = [];
    const port = await lab.serve(
      { filters: [{ type: 'rewrite', path: { type: 'full', value: '/new' } }], retry: { attempts: 1, on: ['5xx'] } },
      (request, response) => {
        seen.push(`${request.url}`);
        response.statusCode = seen.length === 1 ? 500 : 200;
        response.end();
      },
    );
    await ask(port, 'GET /old?a=b');
    expect(seen).toEqual(['/new?a=b', '/new?a=b']);
  });

  it('OPTIONS * has no path to rewrite', async () => {
    const port = await lab.serve({ filters: [{ type: 'rewrite', path: { type: 'full', value: '/new' } }] });
    expect(echoOf(await ask(port, 'OPTIONS *')).url).toBe('*');
  });
});

describe('a redirect', () => {
  const to = (redirect: Partial<Redirect>, path = prefix('/')): Partial<Route> => ({
    path,
    action: { type: 'redirect', redirect: { status: 302, ...redirect } },
  });

  async function location(of: Partial<Route>, line = 'GET /a/b?c=d', ...lines: string[]): Promise<string> {
    const port = await lab.serve(of);
    const answer = await ask(port, line, ...lines);
    expect(answer.body).toBe('');
    return `${answer.status} ${answer.headers.location?.replace(`:${port}`, ':PORT')}`;
  }

  it.each<[string, Partial<Redirect>, string]>([
    ['keeps what it does not name', {}, '302 http://shop.test:PORT/a/b?c=d'],
    ['of the scheme takes that port', { scheme: 'https', status: 301 }, '301 https://shop.test/a/b?c=d'],
    ['of scheme and port', { scheme: 'https', port: 8443 }, '302 https://shop.test:8443/a/b?c=d'],
    ["leaves the scheme's own port out", { scheme: 'https', port: 443 }, '302 https://shop.test/a/b?c=d'],
    ['of the port alone', { port: 80, status: 308 }, '308 http://shop.test/a/b?c=d'],
    ['to https on port 80 says so', { scheme: 'https', port: 80 }, '302 https://shop.test:80/a/b?c=d'],
    ['of the host', { hostname: 'new.test', status: 307 }, '307 http://new.test:PORT/a/b?c=d'],
    ['of the whole path', { path: { type: 'full', value: '/new' } }, '302 http://shop.test:PORT/new?c=d'],
    ['without the query', { dropQuery: true, status: 303 }, '303 http://shop.test:PORT/a/b'],
  ])('%s', async (_name, redirect, expected) => {
    expect(await location(to(redirect))).toBe(expected);
  });

  it('replaces a prefix', async () => {
    const of = to({ path: { type: 'prefix', value: '/new' } }, prefix('/a'));
    expect(await location(of)).toBe('302 http://shop.test:PORT/new/b?c=d');
  });

  it('never leads to a host that stood in the path', async () => {
    const of = to({ path: { type: 'prefix', value: '/' } }, prefix('/a'));
    expect(await location(of, 'GET /a//evil.test')).toBe('302 http://shop.test:PORT/evil.test');
    expect(await location(of, 'GET /a/%2f%2fevil.test')).toBe('302 http://shop.test:PORT/%2F%2Fevil.test');
  });

  it('answers HEAD, an IPv6 host, and a client of HTTP/1.0 that names none', async () => {
    const port = await lab.serve(to({ scheme: 'https' }));
    expect((await ask(port, 'HEAD /a')).headers.location).toBe('https://shop.test/a');
    expect((await ask(port, 'GET /a', 'Host: [::1]:8080')).headers.location).toBe('https://[::1]/a');
    expect(await exchange(port, 'GET /a HTTP/1.0\r\n\r\n')).toContain('\r\nLocation: https://127.0.0.1/a\r\n');
    expect((await ask(port, 'OPTIONS *')).headers.location).toBe('https://shop.test/');
  });

  it('believes the scheme and port of a trusted proxy, and of nobody else', async () => {
    const lines = ['X-Forwarded-Proto: https', 'X-Forwarded-Port: 443'];
    expect(await location(to({ hostname: 'new.test' }), 'GET /', ...lines)).toBe('302 http://new.test:PORT/');
    lab = new FilterLab(harness, { trustedProxies: ['127.0.0.0/8'] });
    expect(await location(to({ hostname: 'new.test' }), 'GET /', ...lines)).toBe('302 https://new.test/');
    // The port of the proxy that terminates TLS is not ours.
    expect(await location(to({}), 'GET /', 'X-Forwarded-Proto: https')).toBe('302 https://shop.test/');
    expect(await location(to({ scheme: 'https' }), 'GET /', 'X-Forwarded-Host: front.test:81')).toBe(
      '302 https://front.test/',
    );
  });

  it('closes the connection behind a request whose body it has not read', async () => {
    const port = await lab.serve(to({ scheme: 'https' }));
    const got = await exchange(
      port,
      'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(got.match(/Location: \S+/g)).toEqual(['Location: https://a/1']);
    expect(got).toContain('Connection: close');
  });
});

describe('a direct response', () => {
  it('has the body, the type and the headers of the route', async () => {
    const port = await lab.serve({
      action: {
        type: 'respond',
        status: 200,
        reason: 'unused',
        body: '{"café":true}',
        headers: [
          { name: 'content-type', value: 'application/json' },
          { name: 'X-By', value: 'Zoë' },
        ],
      },
    });
    const { status, headers, body } = await ask(port);
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    expect(Buffer.from(body, 'latin1').toString()).toBe('{"café":true}');
    expect(Buffer.from(headers['x-by'] ?? '', 'latin1').toString()).toBe('Zoë');
    expect((await ask(port, 'HEAD /')).headers['content-length']).toBe('14');
  });

  it.each([204, 205, 304])('has no content where %i says that there is none', async (status) => {
    const port = await lab.serve({ action: { type: 'respond', status, reason: 'Gone by', body: 'text' } });
    const { headers, body } = await ask(port);
    expect([headers['content-type'], headers['content-length'] ?? '0', body]).toEqual([undefined, '0', '']);
  });

  it('is empty without a reason', async () => {
    const port = await lab.serve({ action: { type: 'respond', status: 200, reason: '' } });
    expect(await ask(port)).toMatchObject({ status: 200, headers: { 'content-length': '0' }, body: '' });
  });

  it('counts as an answer of the proxy', async () => {
    const port = await lab.serve({ action: { type: 'respond', status: 200, reason: 'Fine' } });
    expect((await ask(port)).body).toBe('Fine\n');
    expect(await lab.metrics()).toContain('evenkeel_http_local_replies_total{reason="direct"} 1');
  });

  it('that cannot be sent is a 500', async () => {
    const headers = [{ name: 'Transfer-Encoding', value: 'chunked' }];
    const port = await lab.serve({ action: { type: 'respond', status: 200, reason: 'Fine', headers } });
    expect((await ask(port)).status).toBe(500);
  });
});
