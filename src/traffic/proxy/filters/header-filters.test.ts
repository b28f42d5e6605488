// Header edits through the real engine: what backends and clients get, and that no edit can bend a message.

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headerNameProblem, headerValueProblem } from '#traffic/model/header-rules.ts';
import type { HeaderEdits, HeaderValue, RouteFilter } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { fieldValue } from '../http/head-edits.ts';
import { clientFacts, composeRequest, composeResponse } from '../http1/compose.ts';
import { knownHeader, OTHER } from '../http1/known-headers.ts';
import { defaultLimits } from '../http1/limits.ts';
import { parseRequestHead, RequestHead } from '../http1/request-head.ts';
import { parseResponseHead, ResponseHead } from '../http1/response-head.ts';
import { Harness } from '../testing/harness.ts';
import { route } from '../testing/model.ts';
import { exchange } from '../testing/peers.ts';
import type { FilterExchange } from './filter.ts';
import { requestHeaders, responseHeaders } from './header-filters.ts';
import { ask, echoOf, FilterLab } from './testing.ts';

const pair = { source: { address: '192.0.2.1', port: 4711 }, destination: { address: '127.0.0.1', port: 80 } };
const harness = new Harness();
let lab: FilterLab;
beforeEach(() => {
  lab = new FilterLab(harness);
});
afterEach(() => harness.close());

describe('requests', () => {
  it('get headers set, added and removed', async () => {
    const port = await lab.serve({
      filters: [
        {
          type: 'request_headers',
          set: [{ name: 'X-Env', value: 'live' }],
          add: [{ name: 'X-Tag', value: 'b' }],
          remove: ['x-SECRET'],
        },
      ],
    });
    const got = echoOf(await ask(port, 'GET /', 'x-env: test', 'X-ENV: other', 'X-Tag: a', 'X-Secret: s', 'X-Kept: k'));
    expect(got.headers).toMatchObject({ 'x-env': 'live', 'x-tag': 'a, b', 'x-kept': 'k' });
    expect(got.headers).not.toHaveProperty('x-secret');
  });

  it('get another Host, while X-Forwarded-Host keeps what the client said', async () => {
    const port = await lab.serve({
      filters: [{ type: 'request_headers', set: [{ name: 'host', value: 'inner:81' }] }],
    });
    const { headers } = echoOf(await ask(port, 'GET /', 'Host: Shop.Test:8080'));
    expect(headers).toMatchObject({ host: 'inner:81', 'x-forwarded-host': 'Shop.Test:8080' });
  });

  it('carry what is not ASCII as UTF-8', async () => {
    const port = await lab.serve({ filters: [{ type: 'request_headers', set: [{ name: 'X-Name', value: 'Zoë Ċ' }] }] });
    const value = echoOf(await ask(port)).headers['x-name'] as string;
    expect(Buffer.from(value, 'latin1').toString()).toBe('Zoë Ċ');
  });

  it('get the edits of a retry once, not twice', async () => {
    let calls = 0;
    const port = await lab.serve(
      {
        filters: [{ type: 'request_headers', add: [{ name: 'X-Tag', value: 'b' }] }],
        retry: { attempts: 1, on: ['5xx'] },
      },
      (request, response) => {
        response.statusCode = ++calls === 1 ? 500 : 200;
        response.end(String(request.headers['x-tag']));
      },
    );
    expect((await ask(port)).body).toBe('b');
  });

  it('that go to a backend with filters of its own get those after the route ones', async () => {
    const port = await lab.serve({
      filters: [{ type: 'request_headers', set: [{ name: 'X-Version', value: 'route' }] }],
      action: {
        type: 'forward',
        clusters: [
          {
            cluster: 'test/web/http',
            weight: 1,
            filters: [{ type: 'request_headers', set: [{ name: 'X-Version', value: 'canary' }] }],
          },
        ],
      },
    });
    expect(echoOf(await ask(port)).headers['x-version']).toBe('canary');
  });

  it('on one connection get their edits each', async () => {
    const port = await lab.serve({ filters: [{ type: 'request_headers', set: [{ name: 'X-Env', value: 'live' }] }] });
    const text = await exchange(
      port,
      'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(text.match(/"x-env":"live"/g)).toHaveLength(2);
    expect(text.match(/"X-Env","live"/g)).toHaveLength(2);
  });
});

describe('responses', () => {
  const filters: RouteFilter[] = [
    {
      type: 'response_headers',
      set: [{ name: 'Cache-Control', value: 'no-store' }],
      add: [{ name: 'Set-Cookie', value: 'b=2' }],
      remove: ['Server'],
    },
  ];

  it('get headers set, added and removed, a header a line', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(200, { Server: 'old', 'Cache-Control': 'public', 'Set-Cookie': 'a=1' });
      response.end('ok');
    });
    const { headers, lines, body } = await ask(port);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers).not.toHaveProperty('server');
    expect(lines.filter((line) => /^set-cookie/i.test(line))).toEqual(['Set-Cookie: a=1', 'Set-Cookie: b=2']);
    expect(body).toBe('ok');
  });

  it('of the proxy itself get them too', async () => {
    const port = await lab.serve({
      filters,
      action: { type: 'respond', status: 503, reason: 'Closed' },
    });
    const { status, headers, body } = await ask(port);
    expect([status, headers['cache-control'], headers['content-type'], body]).toEqual([
      503,
      'no-store',
      'text/plain; charset=utf-8',
      'Closed\n',
    ]);
  });

  it('let the more specific filter win', async () => {
    const set = (value: string): RouteFilter => ({ type: 'response_headers', set: [{ name: 'X-Version', value }] });
    const port = await lab.serve({
      filters: [set('route')],
      action: { type: 'forward', clusters: [{ cluster: 'test/web/http', weight: 1, filters: [set('canary')] }] },
    });
    expect((await ask(port)).headers['x-version']).toBe('canary');
  });
});

describe('edits that would bend a message', () => {
  it.each([
    [{ set: [{ name: 'Content-Length', value: '0' }] }, 'request', /written by the proxy itself/],
    [{ add: [{ name: 'Transfer_Encoding', value: 'chunked' }] }, 'request', /written by the proxy itself/],
    [{ remove: ['X-Forwarded-For'] }, 'request', /written by the proxy itself/],
    [{ add: [{ name: 'Host', value: 'b' }] }, 'request', /exactly one Host/],
    [{ remove: ['Host'] }, 'request', /exactly one Host/],
    [{ set: [{ name: 'Host', value: 'a b' }] }, 'request', /Host "a b" is not valid/],
    [{ set: [{ name: 'Connection', value: 'close' }] }, 'response', /written by the proxy itself/],
    [{ set: [{ name: 'X-A', value: 'a\r\nX-B: b' }] }, 'response', /control character/],
    [{ set: [{ name: 'X-A', value: 'a\u0000' }] }, 'request', /control character/],
    [{ set: [{ name: 'X A', value: 'a' }] }, 'request', /not valid/],
    [{ set: [{ name: '', value: 'a' }] }, 'request', /not valid/],
  ] as [HeaderEdits, 'request' | 'response', RegExp][])('%j of a %s is refused', async (edits, side, message) => {
    const filter: RouteFilter = { type: `${side}_headers`, ...edits };
    expect(routeProblems({ ...route('a'), filters: [filter] })).toEqual([expect.stringMatching(message)]);
  });

  it('never reach a backend: the route answers 500', async () => {
    const port = await lab.serve({ filters: [{ type: 'request_headers', set: [{ name: 'TE', value: 'x' }] }] });
    expect(await ask(port)).toMatchObject({ status: 500, body: 'Route has a filter that is not valid\n' });
  });

  const name = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}$/),
    fc.constantFrom('host', 'content_length', 'Content-Length', 'x-forwarded_for', 'Upgrade', 'Cookie', 'proxy'),
    fc.string({ maxLength: 6 }),
  );
  const header = fc.record({ name, value: fc.string({ unit: 'grapheme', maxLength: 12 }) });
  const edits = fc.record({
    set: fc.array(header, { maxLength: 4 }),
    add: fc.array(header, { maxLength: 4 }),
    remove: fc.array(name, { maxLength: 4 }),
  });

  /** Only what validation lets through. */
  function allowed(all: HeaderEdits, side: 'request' | 'response'): HeaderEdits {
    const passes = (one: HeaderEdits): boolean =>
      routeProblems({ ...route('a'), filters: [{ type: `${side}_headers`, ...one }] }).length === 0;
    return {
      set: (all.set ?? []).filter((one) => passes({ set: [one] })),
      add: (all.add ?? []).filter((one) => passes({ add: [one] })),
      remove: (all.remove ?? []).filter((one) => passes({ remove: [one] })),
    };
  }

  function expectLines(
    head: RequestHead | ResponseHead,
    before: string,
    { set = [], add = [], remove = [] }: HeaderEdits,
  ): void {
    const gone = new Set(remove.map((one) => one.toLowerCase()));
    const last = new Map<string, HeaderValue>(set.map((one) => [one.name.toLowerCase(), one]));
    for (const one of [...last.keys(), ...add.map((one) => one.name.toLowerCase())]) {
      if (one === 'host') continue;
      const values = [
        // The one line that is there before, of those that names may hit.
        last.get(one)?.value ?? (one === before ? 'x=1' : undefined),
        ...add.filter((other) => other.name.toLowerCase() === one).map(({ value }) => value),
      ];
      const expected = values
        .filter((value) => value !== undefined)
        .map((value) => Buffer.from(value.trim()).toString('latin1').trim());
      expect(fieldValue(head, one)).toBe(gone.has(one) ? undefined : expected.join(', '));
    }
    for (const one of gone) expect(fieldValue(head, one)).toBeUndefined();
  }

  it('cannot be configured: every request head still reads as meant', () => {
    fc.assert(
      fc.property(edits, (all) => {
        const some = allowed(all, 'request');
        const text = 'POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nCookie: x=1\r\nX-Other: o\r\n\r\n';
        const head = new RequestHead();
        expect(parseRequestHead(text, 0, text.length, head, defaultLimits)).toBeUndefined();
        requestHeaders(some).onRequest?.({ head } as FilterExchange);
        const facts = clientFacts(pair, 'http', { trusted: false, certificateLine: '' });
        const sent = composeRequest(head, facts, 'id');
        const again = new RequestHead();
        expect(parseRequestHead(sent, 0, sent.length, again, defaultLimits)).toBeUndefined();
        expect(again).toMatchObject({
          method: 'POST',
          target: '/a?b',
          contentLength: 5,
          keepAlive: true,
          requestId: 'id',
        });
        expect(again.forwardedFor).toBe('192.0.2.1');
        expectLines(again, 'cookie', some);
      }),
      { numRuns: 500 },
    );
  });

  it('cannot be configured: every response head still reads as meant', () => {
    fc.assert(
      fc.property(edits, (all) => {
        const some = allowed(all, 'response');
        const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: x=1\r\nX-Other: o\r\n\r\n';
        const head = new ResponseHead();
        expect(parseResponseHead(text, text.length, head, defaultLimits)).toBeUndefined();
        responseHeaders(some).onResponse?.({} as FilterExchange, head);
        const sent = composeResponse(head, 'raw', 1, true);
        const again = new ResponseHead();
        expect(parseResponseHead(sent, sent.length, again, defaultLimits)).toBeUndefined();
        expect(again).toMatchObject({ status: 200, contentLength: 5, chunked: false, keepAlive: true });
        expectLines(again, 'set-cookie', some);
      }),
      { numRuns: 500 },
    );
  });

  it('are those of every name that the parser keeps to itself', () => {
    fc.assert(
      fc.property(name, (one) => {
        if (headerNameProblem(one, 'request', 'add') !== undefined) return;
        expect(knownHeader(one, 0, one.length)).toBe(OTHER);
      }),
    );
    expect(headerValueProblem('a', 'fine \t value')).toBeUndefined();
  });
});
