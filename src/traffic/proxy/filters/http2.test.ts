// Filters with HTTP/2 on either side, through the real engine: the same as with HTTP/1.1, stream by stream.

import { randomBytes } from 'node:crypto';
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Route, RouteFilter } from '#traffic/model/ir.ts';
import { Harness } from '../testing/harness.ts';
import { http2Backend } from '../testing/http2-peers.ts';
import { cluster, endpoint } from '../testing/model.ts';
import { httpBackend } from '../testing/peers.ts';
import { FilterLab, routed } from './testing.ts';

const harness = new Harness();
let lab: FilterLab;
beforeEach(() => {
  lab = new FilterLab(harness);
});
afterEach(() => harness.close());

type Stream = Parameters<Parameters<typeof http2Backend>[0]>[0];

/** A gateway whose backend speaks HTTP/2, and a client that does. */
async function serve(
  of: Partial<Route>,
  handler: (stream: Stream, headers: IncomingHttpHeaders, body: Buffer) => void,
  more: Parameters<typeof routed>[3] = {},
) {
  const backend = await http2Backend((stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => handler(stream, headers, Buffer.concat(parts)));
  });
  harness.after(() => backend.close());
  const port = await lab.publish(routed([backend.port], of, { upstreamProtocol: 'http2' }, more));
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  harness.after(async () => session.destroy());
  return session;
}

interface Reply {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

function replyTo(stream: ClientHttp2Stream): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    stream.on('response', (got) => {
      headers = got;
    });
    stream.on('trailers', (got) => {
      trailers = got;
    });
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => resolve({ headers, trailers, body: Buffer.concat(parts) }));
    stream.on('error', reject);
  });
}

const page = 'All work and no play makes Jack a dull boy. '.repeat(200);
const gzip: RouteFilter = { type: 'compression', algorithms: ['gzip'], minBytes: 100, contentTypes: ['text/*'] };

describe('over HTTP/2', () => {
  it('heads are edited and rewritten, both ways', async () => {
    const session = await serve(
      {
        path: { type: 'prefix', value: '/shop' },
        filters: [
          { type: 'rewrite', hostname: 'inner.test', path: { type: 'prefix', value: '/v1' } },
          { type: 'request_headers', set: [{ name: 'X-Env', value: 'live' }], remove: ['x-secret'] },
          { type: 'response_headers', set: [{ name: 'X-Out', value: 'yes' }], remove: ['server'] },
        ],
      },
      (stream, headers) => {
        stream.respond({ server: 'old' });
        stream.end(JSON.stringify(headers));
      },
    );
    const { headers, body } = await replyTo(
      session.request({ ':path': '/shop/a?b=c', ':authority': 'Shop.test', 'x-secret': 's' }),
    );
    expect(headers['x-out']).toBe('yes');
    expect(headers).not.toHaveProperty('server');
    const seen = JSON.parse(String(body)) as IncomingHttpHeaders;
    expect(seen).toMatchObject({
      ':path': '/v1/a?b=c',
      ':authority': 'inner.test',
      'x-forwarded-host': 'Shop.test',
      'x-env': 'live',
    });
    expect(seen).not.toHaveProperty('x-secret');
  });

  it('many responses at a time are compressed, each whole and with its trailers', async () => {
    const session = await serve({ filters: [gzip] }, (stream, headers) => {
      stream.respond({ 'content-type': 'text/plain' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(headers[':path']) }));
      stream.end(page + headers[':path']);
    });
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        replyTo(session.request({ ':path': `/${i}`, 'accept-encoding': 'gzip', te: 'trailers' })),
      ),
    );
    for (const [i, { headers, body, trailers }] of replies.entries()) {
      expect(headers['content-encoding']).toBe('gzip');
      expect(headers).not.toHaveProperty('content-length');
      expect(gunzipSync(body).toString()).toBe(`${page}/${i}`);
      expect(trailers['x-sum']).toBe(`/${i}`);
    }
  });

  it('a client that stops reading a compressed stream stops its backend, and no other', async () => {
    const noise = randomBytes(192 * 1024).toString('base64');
    let written = 0;
    const session = await serve({ filters: [gzip] }, (stream, headers) => {
      stream.respond({ 'content-type': 'text/plain' });
      if (headers[':path'] === '/short') {
        stream.end(page);
        return;
      }
      const more = (): void => {
        while (written < 60) {
          written++;
          if (!stream.write(noise)) {
            stream.once('drain', more);
            return;
          }
        }
        stream.end();
      };
      more();
    });
    const slow = session.request({ ':path': '/long', 'accept-encoding': 'gzip' });
    await new Promise((resolve) => slow.once('response', resolve));
    let before = -1;
    await eventually('the backend to stop', () => {
      const now = written;
      const stopped = now === before;
      before = now;
      expect(stopped).toBe(true);
    });
    expect(written).toBeLessThan(60);
    const { body } = await replyTo(session.request({ ':path': '/short', 'accept-encoding': 'gzip' }));
    expect(gunzipSync(body).toString()).toBe(page);
    const rest = await replyTo(slow);
    expect(gunzipSync(rest.body).length).toBe(noise.length * 60);
  });

  it('a stream that is reset gives its compressor up', async () => {
    const session = await serve({ filters: [gzip] }, (stream) => {
      stream.respond({ 'content-type': 'text/plain' });
      stream.write(page);
    });
    const stream = session.request({ 'accept-encoding': 'gzip' });
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(8);
    await eventually('the request to end', async () =>
      expect(await lab.metrics()).toContain('evenkeel_http_requests_in_flight 0'),
    );
    expect(await lab.metrics()).toContain(`direction="in"} ${page.length}`);
  });

  it('a request is taken in whole before its backend hears of it', async () => {
    let calls = 0;
    const session = await serve({ filters: [{ type: 'buffer_request', maxBytes: 1000 }] }, (stream, headers, body) => {
      calls++;
      stream.respond({});
      stream.end(`${headers['content-length']} ${body}`);
    });
    const stream = session.request({ ':method': 'POST' });
    const reply = replyTo(stream);
    stream.write('abc');
    await eventually('the request to wait', async () =>
      expect(await lab.metrics()).toContain('evenkeel_http_requests_in_flight 1'),
    );
    expect(calls).toBe(0);
    stream.end('de');
    expect(String((await reply).body)).toBe('5 abcde');
    const long = session.request({ ':method': 'POST' });
    long.end('x'.repeat(2000));
    expect((await replyTo(long)).headers[':status']).toBe(413);
  });

  it('a request longer than any window is taken in all the same', async () => {
    const body = randomBytes(400 * 1024).toString('base64');
    const session = await serve(
      { filters: [{ type: 'buffer_request', maxBytes: 1_000_000 }] },
      (stream, _headers, got) => {
        stream.respond({});
        stream.end(String(got.toString() === body));
      },
    );
    const stream = session.request({ ':method': 'PUT' });
    stream.end(body);
    expect(String((await replyTo(stream)).body)).toBe('true');
  });

  it('a body beyond its limit is refused, and the connection serves on', async () => {
    const session = await serve({ filters: [{ type: 'body_limit', maxBytes: 10 }] }, (stream, _headers, body) => {
      stream.respond({});
      stream.end(body);
    });
    const long = session.request({ ':method': 'POST' });
    long.write('0123456789');
    long.write('x');
    const { headers } = await replyTo(long);
    expect(headers[':status']).toBe(413);
    const fine = session.request({ ':method': 'POST' });
    fine.end('0123456789');
    expect(String((await replyTo(fine)).body)).toBe('0123456789');
  });

  it('answers of the proxy are the same: preflights, redirects, direct responses', async () => {
    const cors: RouteFilter = {
      type: 'cors',
      allowOrigins: ['https://shop.test'],
      allowMethods: ['PUT'],
      allowHeaders: [],
      exposeHeaders: [],
      allowCredentials: false,
      maxAgeSeconds: 5,
    };
    const session = await serve(
      { filters: [cors], action: { type: 'redirect', redirect: { status: 308, scheme: 'https' } } },
      () => {},
    );
    const ask = (headers: OutgoingHttpHeaders): Promise<Reply> =>
      replyTo(session.request({ ':authority': 'shop.test', origin: 'https://shop.test', ...headers }));
    const preflight = await ask({ ':method': 'OPTIONS', 'access-control-request-method': 'PUT' });
    expect(preflight.headers).toMatchObject({ ':status': 200, 'access-control-allow-methods': 'PUT' });
    const { headers } = await ask({ ':path': '/a' });
    expect(headers).toMatchObject({
      ':status': 308,
      location: 'https://shop.test/a',
      'access-control-allow-origin': 'https://shop.test',
    });
  });

  it('requests are mirrored to a cluster of the other protocol', async () => {
    const seen: string[] = [];
    const shadow = await harness.backend(
      httpBackend((request, response) => {
        let body = '';
        request.on('data', (part) => {
          body += String(part);
        });
        request.on('end', () => {
          seen.push(`${request.method} ${request.url} ${request.headers.host} ${body}`);
          response.end();
        });
      }),
    );
    const session = await serve(
      { filters: [{ type: 'mirror', cluster: 'shadow', percent: 100 }] },
      (stream, _headers, body) => {
        stream.respond({});
        stream.end(body);
      },
      {
        clusters: new Map([['shadow', cluster('shadow')]]),
        endpoints: new Map([['shadow', [endpoint(shadow.port)]]]),
      },
    );
    const stream = session.request({ ':method': 'POST', ':path': '/m', ':authority': 'shop.test' });
    stream.write('abc');
    stream.end('de');
    expect(String((await replyTo(stream)).body)).toBe('abcde');
    await eventually('the copy', () => expect(seen).toEqual(['POST /m shop.test abcde']));
  });
});
