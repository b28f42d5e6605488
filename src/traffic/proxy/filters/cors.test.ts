// CORS through the real engine: preflights, answers that may be read, and origins that are not allowed.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CorsPolicy, Route } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { Harness } from '../testing/harness.ts';
import { route } from '../testing/model.ts';
import { originTest } from './origins.ts';
import { ask, FilterLab } from './testing.ts';

const harness = new Harness();
let lab: FilterLab;
beforeEach(() => {
  lab = new FilterLab(harness);
});
afterEach(() => harness.close());

const policy: CorsPolicy = {
  allowOrigins: ['https://shop.test', 'https://*.shop.test'],
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['X-Token'],
  exposeHeaders: ['X-Total', '*'],
  allowCredentials: true,
  maxAgeSeconds: 600,
};

const withCors = (of: Partial<CorsPolicy> = {}): Partial<Route> => ({ filters: [{ type: 'cors', ...policy, ...of }] });

const preflight = ['Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: x-token'];

describe('an origin', () => {
  it.each([
    ['https://shop.test', true],
    ['https://SHOP.test', true],
    ['https://shop.test:443', true],
    ['https://shop.test:8443', false],
    ['http://shop.test', false],
    ['https://a.shop.test', true],
    ['https://b.a.shop.test', true],
    ['https://.shop.test', false],
    ['https://evil.test/.shop.test', false],
    ['https://evil.test:1.shop.test', false],
    ['https://user@a.shop.test', false],
    ['https://evilshop.test', false],
    ['https://shop.test.evil.test', false],
    ['https://a.shop.test.evil.test', false],
    ['null', false],
    ['', false],
  ])('%j is allowed: %s', (origin, allowed) => {
    expect(originTest(policy.allowOrigins)(origin)).toBe(allowed);
  });

  it('with a port, or of any host, is named as such', () => {
    const allows = originTest(['http://*:8080', 'http://dev.test:80', 'null', 'custom-app://local']);
    const tried = ['http://a.test:8080', 'http://a.test', 'http://dev.test', 'null', 'custom-app://local'];
    expect(tried.map((origin) => allows(origin))).toEqual([true, false, true, true, true]);
    expect(originTest(['*'])('https://anything.test')).toBe(true);
  });

  it.each([['shop.test'], ['https://'], ['https://a.*.test'], ['https://shop.test/path'], ['https://a\r\nX: y']])(
    'written as %j is refused',
    (origin) => {
      const problems = routeProblems({ ...route('a'), ...withCors({ allowOrigins: [origin] }) });
      expect(problems).toEqual([expect.stringMatching(/^Filter "cors": Origin ".*" is not valid/)]);
    },
  );
});

describe('a preflight', () => {
  let asked = 0;
  const serve = (of: Partial<CorsPolicy> = {}): Promise<number> =>
    lab.serve(withCors(of), (_request, response) => {
      asked++;
      response.setHeader('Allow', 'GET');
      response.end('backend');
    });
  beforeEach(() => {
    asked = 0;
  });

  it('is answered by the proxy', async () => {
    const { status, headers, body } = await ask(
      await serve(),
      'OPTIONS /',
      'Origin: https://a.shop.test',
      ...preflight,
    );
    expect([status, body, asked]).toEqual([200, '', 0]);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://a.shop.test',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'X-Token',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'X-Total',
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    expect(headers['content-length']).toBe('0');
    expect(await lab.metrics()).toContain('evenkeel_http_local_replies_total{reason="cors_preflight"} 1');
  });

  it('of an origin that is not allowed gets nothing to go by', async () => {
    const { status, headers } = await ask(await serve(), 'OPTIONS /', 'Origin: https://evil.test', ...preflight);
    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(headers.vary).toContain('Origin');
    expect(asked).toBe(0);
  });

  it('with credentials names what was asked for, because "*" would be a name', async () => {
    const any = { allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'] };
    const port = await serve(any);
    expect((await ask(port, 'OPTIONS /', 'Origin: https://x.test', ...preflight)).headers).toMatchObject({
      'access-control-allow-origin': 'https://x.test',
      'access-control-allow-methods': 'PUT',
      'access-control-allow-headers': 'x-token',
      'access-control-allow-credentials': 'true',
    });
    const open = await serve({ ...any, allowCredentials: false });
    expect((await ask(open, 'OPTIONS /', 'Origin: https://x.test', ...preflight)).headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': '*',
      'access-control-allow-headers': '*',
    });
  });

  it('is not what an OPTIONS request without its header is: that is for the backend', async () => {
    const { body, headers } = await ask(await serve(), 'OPTIONS /', 'Origin: https://shop.test');
    expect([body, headers.allow]).toEqual(['backend', 'GET']);
    expect(headers['access-control-allow-origin']).toBe('https://shop.test');
  });
});

describe('an answer', () => {
  it('may be read by origins that are allowed, and by what the route says alone', async () => {
    const port = await lab.serve(withCors(), (_request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*');
      response.setHeader('access-control-expose-headers', 'X-Backend');
      response.setHeader('Vary', 'Accept');
      response.end();
    });
    const { headers, lines } = await ask(port, 'GET /', 'Origin: https://shop.test');
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://shop.test',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'X-Total',
      vary: 'Accept, Origin',
    });
    expect(lines.filter((line) => /^access-control-allow-origin/i.test(line))).toHaveLength(1);
    const other = await ask(port, 'GET /', 'Origin: https://evil.test');
    expect(Object.keys(other.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(other.headers.vary).toBe('Accept, Origin');
  });

  it('to a request without origin still varies by it, unless everybody gets the same', async () => {
    expect((await ask(await lab.serve(withCors()))).headers.vary).toBe('Origin');
    const open = await lab.serve(withCors({ allowOrigins: ['*'], allowCredentials: false }));
    const { headers } = await ask(open, 'GET /', 'Origin: https://x.test');
    expect([headers.vary, headers['access-control-allow-origin']]).toEqual([undefined, '*']);
  });

  it.each<[string, Partial<Route>, number]>([
    ['of the route itself', { action: { type: 'respond', status: 403, reason: 'No' } }, 403],
    ['that redirects', { action: { type: 'redirect', redirect: { status: 302 } } }, 302],
    ['that has no backend', { action: { type: 'forward', clusters: [{ cluster: 'gone', weight: 1 }] } }, 503],
    [
      'that refuses',
      {
        filters: [
          { type: 'body_limit', maxBytes: 0 },
          { type: 'cors', ...policy },
        ],
      },
      413,
    ],
  ])('%s can be read too', async (_name, of, status) => {
    const port = await lab.serve({ ...withCors(), ...of });
    const got = await ask(port, 'POST /', 'Origin: https://shop.test', 'Content-Length: 1');
    expect([got.status, got.headers['access-control-allow-origin']]).toEqual([status, 'https://shop.test']);
  });
});
