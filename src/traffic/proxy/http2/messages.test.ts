// Requests and responses between HTTP/1.1 and HTTP/2 on either side, through the real engine, as clients see them.
import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '#traffic/model/ir.ts';
import type { EngineOptions } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { answerOf, Http2Client, http2Backend } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { exchange, httpBackend, rawBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

async function gatewayTo(port: number, overrides: Partial<Cluster> = {}, options: Partial<EngineOptions> = {}) {
  const engine = await harness.engine(options);
  engine.publish(simpleModel([port], overrides));
  await engine.applied();
  return portOf(engine);
}

function client(port: number): Http2Client {
  const made = new Http2Client(`http://127.0.0.1:${port}`);
  harness.after(() => made.close());
  return made;
}

/** Says what it was asked, over either protocol. */
async function echo(protocol: 'http1' | 'http2'): Promise<number> {
  if (protocol === 'http1') {
    const backend = await harness.backend(
      httpBackend((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          response.setHeader('x-seen', JSON.stringify(request.headers));
          response.setHeader('X-Mixed', 'Case');
          response.end(`${request.method} ${request.url} ${Buffer.concat(parts).toString('latin1')}`);
        });
      }),
    );
    return backend.port;
  }
  const backend = await http2Backend((stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'x-seen': JSON.stringify(headers), 'x-mixed': 'Case' });
      stream.end(`${headers[':method']} ${headers[':path']} ${Buffer.concat(parts).toString('latin1')}`);
    });
  });
  harness.after(() => backend.close());
  return backend.port;
}

describe.each(['http1', 'http2'] as const)('from HTTP/2 to %s', (upstreamProtocol) => {
  it('carries a request, its headers and its answer', async () => {
    const port = await gatewayTo(await echo(upstreamProtocol), { upstreamProtocol });
    const answer = await client(port).request({
      ':method': 'GET',
      ':path': '/a/../b?x=1',
      ':authority': 'Shop.test:80',
      accept: 'text/plain',
      cookie: ['a=1', 'b=2'],
    });
    expect(answer).toMatchObject({ status: 200, body: 'GET /b?x=1 ' });
    expect(answer.headers['x-mixed']).toBe('Case');
    expect(answer.headers).not.toHaveProperty('connection');
    expect(answer.headers).not.toHaveProperty('transfer-encoding');
    const seen = JSON.parse(answer.headers['x-seen'] as string);
    expect(seen).toMatchObject({
      accept: 'text/plain',
      cookie: 'a=1; b=2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'Shop.test:80',
    });
    expect(seen.host ?? seen[':authority']).toBe('Shop.test:80');
  });

  it('carries bodies, announced or not, small or large', async () => {
    const port = await gatewayTo(await echo(upstreamProtocol), { upstreamProtocol });
    const http2 = client(port);
    for (const size of [0, 1, 16_384, 16_385, 300_000]) {
      const body = 'x'.repeat(size);
      const announced = await http2.request({ ':method': 'POST', ':path': '/', 'content-length': size }, body);
      expect(announced.body).toBe(`POST / ${body}`);
      const open = await http2.request({ ':method': 'PUT', ':path': '/' }, body);
      expect(open.body).toBe(`PUT / ${body}`);
    }
  });

  it('answers HEAD with the length and without a body', async () => {
    const port = await gatewayTo(await echo(upstreamProtocol), { upstreamProtocol });
    const answer = await client(port).request({ ':method': 'HEAD', ':path': '/' });
    expect(answer).toMatchObject({ status: 200, body: '' });
  });

  it('serves many streams of one connection at once', async () => {
    const port = await gatewayTo(await echo(upstreamProtocol), { upstreamProtocol });
    const http2 = client(port);
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => http2.request({ ':method': 'POST', ':path': `/${i}` }, `body ${i}`)),
    );
    expect(answers.map(({ body }) => body)).toEqual(answers.map((_, i) => `POST /${i} body ${i}`));
  });
});

describe('from HTTP/1.1 to HTTP/2', () => {
  it('carries requests and answers, framed anew', async () => {
    const port = await gatewayTo(await echo('http2'), { upstreamProtocol: 'http2' });
    const got = await exchange(
      port,
      'POST /x HTTP/1.1\r\nHost: A.test\r\nX-Up: Per\r\nConnection: close, x-up\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    );
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(got).toMatch(/\r\nTransfer-Encoding: chunked\r\n/);
    expect(got).toContain('POST /x abc');
    expect(got).toContain('":authority":"A.test"');
    expect(got).not.toContain('x-up');
  });

  it('does without an upgrade that HTTP/2 knows nothing of', async () => {
    const port = await gatewayTo(await echo('http2'), { upstreamProtocol: 'http2' });
    const got = await exchange(
      port,
      'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: foo/1\r\n\r\n',
    );
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*GET \/x /);
    expect(got).not.toContain('"upgrade"');
  });

  it('gives an answer that ends with its head a length', async () => {
    const backend = await http2Backend((stream) => stream.respond({ ':status': 404 }, { endStream: true }));
    harness.after(() => backend.close());
    const port = await gatewayTo(backend.port, { upstreamProtocol: 'http2' });
    const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(got).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[\s\S]*Content-Length: 0\r\n/);
  });

  it('has requests of many connections share a session', async () => {
    const backend = await http2Backend((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    harness.after(() => backend.close());
    const port = await gatewayTo(backend.port, { upstreamProtocol: 'http2' });
    const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(port, get)));
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(backend.opened()).toBe(1);
  });
});

describe('trailers', () => {
  it('go both ways between HTTP/2 and HTTP/2', async () => {
    const backend = await http2Backend((stream) => {
      let trailers = {};
      stream.on('trailers', (got) => {
        trailers = got;
      });
      stream.resume();
      stream.on('end', () => {
        stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1', 'x-got': JSON.stringify(trailers) }));
        stream.end('body');
      });
    });
    harness.after(() => backend.close());
    const http2 = client(await gatewayTo(backend.port, { upstreamProtocol: 'http2' }));
    const stream = http2.session.request(
      { ':method': 'POST', ':path': '/', te: 'trailers' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-client': 'yes' }));
    stream.end('request');
    const answer = await answerOf(stream);
    expect(answer.body).toBe('body');
    expect(answer.headers.trailer).toBe('x-sum');
    expect(answer.trailers['x-sum']).toBe('1');
    expect(answer.trailers['x-got']).toContain('"x-client":"yes"');
  });

  it('of a backend of HTTP/1.1 reach a client of HTTP/2', async () => {
    const backend = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () =>
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n'),
        ),
      ),
    );
    const answer = await client(await gatewayTo(backend.port)).request({ ':path': '/' });
    expect(answer).toMatchObject({ body: 'ok' });
    expect(answer.trailers['x-sum']).toBe('7');
  });

  it('of a backend of HTTP/2 reach a client of HTTP/1.1', async () => {
    const backend = await http2Backend((stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
      stream.end('ok');
    });
    harness.after(() => backend.close());
    const port = await gatewayTo(backend.port, { upstreamProtocol: 'http2' });
    const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, te\r\n\r\n');
    expect(got).toMatch(/2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n$/);
  });
});

describe('interim responses', () => {
  it('reach a client of HTTP/2 from either backend', async () => {
    const old = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () =>
          socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
        ),
      ),
    );
    const young = await http2Backend((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    harness.after(() => young.close());
    const first = await client(await gatewayTo(old.port)).request({ ':path': '/' });
    expect(first).toMatchObject({ status: 200, body: 'ok', interim: [103] });
    const second = await client(await gatewayTo(young.port, { upstreamProtocol: 'http2' })).request({ ':path': '/' });
    expect(second).toMatchObject({ status: 200, body: 'ok', interim: [103] });
  });

  it('of a backend of HTTP/2 reach a client of HTTP/1.1 that waits for 100-continue', async () => {
    const backend = await http2Backend((stream, headers) => {
      if (headers.expect === '100-continue') stream.additionalHeaders({ ':status': 100 });
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    harness.after(() => backend.close());
    const port = await gatewayTo(backend.port, { upstreamProtocol: 'http2' });
    const body = await new Promise<string>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers: { expect: '100-continue' } });
      request.on('continue', () => request.end('after'));
      request.on('response', (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      });
      request.on('error', reject);
      request.flushHeaders();
    });
    expect(body).toBe('after');
  });
});

describe('answers of the proxy itself', () => {
  it('say what is wrong, also to a request under way, and keep the connection', async () => {
    const engine = await harness.engine({ limits: { body: 10 } });
    const port = await echo('http1');
    engine.publish(simpleModel([port]));
    await engine.applied();
    const http2 = client(portOf(engine));
    const large = await http2.request({ ':method': 'POST', ':path': '/' }, 'x'.repeat(100_000));
    expect(large.status).toBe(413);
    const bad = await http2.request({ ':path': '/%00' });
    expect(bad).toMatchObject({ status: 400, body: 'Path holds a NUL\n' });
    expect((await http2.request({ ':path': '/' })).status).toBe(200);
    expect(http2.session.destroyed).toBe(false);
  });

  it('end a request that is answered early, without an error', async () => {
    const backend = await harness.backend(
      rawBackend((socket) =>
        socket.once('data', () => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')),
      ),
    );
    const http2 = client(await gatewayTo(backend.port));
    const stream = http2.session.request({ ':method': 'POST', ':path': '/' });
    stream.write('x');
    const answer = await answerOf(stream);
    expect(answer).toMatchObject({ status: 403, body: 'no' });
    expect(stream.rstCode).toBe(0);
  });
});

describe('a peer that keeps no table of header fields', () => {
  // Node.js, as all that use nghttp2, ends a connection whose next header block does not begin with the new size.
  it('gets its answers as a client', async () => {
    const port = await gatewayTo(await echo('http1'));
    const small = new Http2Client(`http://127.0.0.1:${port}`, { settings: { headerTableSize: 0 } });
    harness.after(() => small.close());
    for (let i = 0; i < 3; i++) expect((await small.request({ ':path': '/a' })).status).toBe(200);
  });

  it('gets its requests as a backend', async () => {
    let sessions = 0;
    const backend = await http2Backend((stream) => stream.respond({ ':status': 200 }, { endStream: true }), {
      settings: { headerTableSize: 0 },
    });
    backend.server.on('session', () => sessions++);
    harness.after(() => backend.close());
    const port = await gatewayTo(backend.port, { upstreamProtocol: 'http2' });
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    for (let i = 0; i < 3; i++) expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
    expect(sessions).toBe(1);
  });
});
