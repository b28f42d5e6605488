// Limits and buffers of bodies through the real engine, at their edges.

import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { RouteFilter } from '#traffic/model/ir.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { endpointsUpdate, simpleModel } from '../testing/model.ts';
import { exchange, httpBackend, RawClient, rawBackend } from '../testing/peers.ts';
import { ask, echo, echoOf, FilterLab, read, routed } from './testing.ts';

const harness = new Harness();
let lab: FilterLab;
let calls = 0;
beforeEach(() => {
  lab = new FilterLab(harness);
  calls = 0;
});
afterEach(() => harness.close());

const counted: RequestListener = (request, response) => {
  calls++;
  echo(request, response);
};

const post = (...lines: string[]): string => `POST / HTTP/1.1\r\n${['Host: a', ...lines].join('\r\n')}\r\n\r\n`;

describe('a limit of the request body', () => {
  const filters: RouteFilter[] = [{ type: 'body_limit', maxBytes: 10 }];

  it('lets through what it allows, to the byte', async () => {
    const port = await lab.serve({ filters }, counted);
    const got = await exchange(port, `${post('Content-Length: 10', 'Connection: close')}0123456789`);
    expect(echoOf(read(got)).body).toBe('0123456789');
  });

  it('refuses a longer one by its length, before a byte of it and before any backend', async () => {
    const port = await lab.serve({ filters }, counted);
    const got = await exchange(port, post('Content-Length: 11', 'Expect: 100-continue'));
    expect(got).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close\r\n\r\nBody is too large\n$/);
    expect(calls).toBe(0);
    expect(await lab.metrics()).toContain('evenkeel_http_local_replies_total{reason="body_too_large"} 1');
  });

  it('refuses one without length as soon as it exceeds', async () => {
    const port = await lab.serve({ filters }, counted);
    const client = new RawClient(port).send(`${post('Transfer-Encoding: chunked')}a\r\n0123456789\r\n`);
    await eventually('the request at the backend', () => expect(calls).toBe(1));
    const got = await client.send('1\r\nx\r\n').untilClosed();
    expect(got).toMatch(/^HTTP\/1\.1 413 /);
    const metrics = await lab.metrics();
    expect(metrics).toMatch(/evenkeel_upstream_requests_total\{.*outcome="aborted"\} 1/);
    expect(metrics).toContain('evenkeel_http_requests_in_flight 0');
  });

  it('cuts an answer that has begun, because a second one would be read as its rest', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.write('early');
    });
    const client = new RawClient(port).send(`${post('Transfer-Encoding: chunked')}1\r\nx\r\n`);
    await client.until((text) => text.includes('early'));
    const got = await client.send('20\r\n01234567890123456789012345678901\r\n').untilClosed();
    expect(got).not.toContain('413');
    expect(got).not.toContain('\r\n0\r\n');
  });

  it('of a backend stands in for the one of its route', async () => {
    const port = await lab.serve(
      {
        filters,
        action: {
          type: 'forward',
          clusters: [{ cluster: 'test/web/http', weight: 1, filters: [{ type: 'body_limit', maxBytes: 20 }] }],
        },
      },
      counted,
    );
    const got = await exchange(port, `${post('Content-Length: 15', 'Connection: close')}0123456789abcde`);
    expect(read(got).status).toBe(200);
  });
});

describe('a buffered request', () => {
  const filters: RouteFilter[] = [{ type: 'buffer_request', maxBytes: 100_000 }];

  it('reaches a backend only when it is whole, with its length', async () => {
    const port = await lab.serve({ filters }, counted);
    const client = new RawClient(port).send(`${post('Transfer-Encoding: chunked', 'Connection: close')}3\r\nabc\r\n`);
    await eventually('the request to wait', async () =>
      expect(await lab.metrics()).toContain('evenkeel_http_requests_in_flight 1'),
    );
    expect(calls).toBe(0);
    const got = echoOf(read(await client.send('2\r\nde\r\n0\r\n\r\n').untilClosed()));
    expect(got.body).toBe('abcde');
    expect(got.headers).toMatchObject({ 'content-length': '5' });
    expect(got.headers).not.toHaveProperty('transfer-encoding');
  });

  it('keeps its chunks where trailers follow', async () => {
    let trailer: string | undefined;
    const port = await lab.serve({ filters }, (request, response) => {
      request.resume().on('end', () => {
        trailer = request.trailers['x-sum'] as string;
        response.end();
      });
    });
    await exchange(
      port,
      `${post('Transfer-Encoding: chunked', 'Trailer: X-Sum', 'Connection: close')}1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n`,
    );
    expect(trailer).toBe('1');
  });

  it('is asked for by the proxy, which does not ask the backend again', async () => {
    const port = await lab.serve({ filters }, counted);
    const client = new RawClient(port).send(post('Content-Length: 3', 'Expect: 100-continue', 'Connection: close'));
    await client.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    const got = echoOf(read(await client.send('abc').untilClosed()));
    expect(got.body).toBe('abc');
    expect(got.headers).not.toHaveProperty('expect');
  });

  it('may be longer than what is kept of others, and be sent again whole', async () => {
    const body = 'x'.repeat(90_000);
    const port = await lab.serve(
      { filters, retry: { attempts: 1, on: ['5xx'], methods: ['POST'] } },
      (request, response) => {
        if (++calls === 1) {
          request.resume().on('end', () => {
            response.statusCode = 503;
            response.end();
          });
        } else echo(request, response);
      },
    );
    const got = await exchange(port, `${post(`Content-Length: ${body.length}`, 'Connection: close')}${body}`);
    expect(echoOf(read(got)).body).toBe(body);
    expect(calls).toBe(2);
  });

  it.each([
    ['by its length', (body: string) => `${post(`Content-Length: ${body.length}`)}${body}`],
    [
      'as it comes',
      (body: string) =>
        `${post('Transfer-Encoding: chunked', 'Connection: close')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
  ])('that is too long is refused %s', async (_name, message) => {
    const port = await lab.serve({ filters }, counted);
    const got = await exchange(port, message('x'.repeat(100_001)));
    expect(got).toMatch(/^HTTP\/1\.1 413 /);
    expect(calls).toBe(0);
  });

  it('whose client leaves reaches nobody', async () => {
    const port = await lab.serve({ filters }, counted);
    const client = new RawClient(port).send(`${post('Content-Length: 9')}some`);
    await eventually('the request to wait', async () =>
      expect(await lab.metrics()).toContain('evenkeel_http_requests_in_flight 1'),
    );
    client.destroy();
    await eventually('the request to end', async () =>
      expect(await lab.metrics()).toMatch(/evenkeel_http_requests_total\{.*code="499"\} 1/),
    );
    expect(calls).toBe(0);
  });

  it('of no body goes on at once, and so does the next on its connection', async () => {
    const port = await lab.serve({ filters }, counted);
    const got = await exchange(
      port,
      `GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${post('Content-Length: 2')}abGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(got.match(/"url":"[^"]*"/g)).toEqual(['"url":"/1"', '"url":"/"', '"url":"/3"']);
  });
});

describe('a buffered response', () => {
  const filters: RouteFilter[] = [{ type: 'buffer_response', maxBytes: 1000 }];

  it('never puts two answers together when the endpoint of the first leaves within it', async () => {
    let held = 0;
    const leaving = await harness.backend(httpBackend((_, response) => void response.write('half', () => held++)));
    const staying = await harness.backend(httpBackend((_, response) => void response.end('whole')));
    const engine = await harness.engine();
    const drain = { timeouts: { connect: 2000, response: 5000, idle: 60_000, drain: 50 } };
    engine.publish(simpleModel([leaving.port], drain, { filters }));
    await engine.applied();
    const answer = exchange(portOf(engine), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await eventually('half an answer is on its way', () => expect(held).toBe(1));
    engine.publish(endpointsUpdate([staying.port]));
    await engine.applied();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*Content-Length: 5\r\n[\s\S]*\r\n\r\nwhole$/);
  });

  it('has its length, though its backend did not know it', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.write('one ');
      setImmediate(() => response.end('two'));
    });
    const { headers, body } = await ask(port);
    expect(headers['content-length']).toBe('7');
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect(body).toBe('one two');
  });

  it('that breaks off is an answer that says so, and may come from another try', async () => {
    const backend = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'latin1')),
      ),
    );
    const port = await lab.publish(routed([backend.port], { filters }));
    const { status, body } = await ask(port);
    expect([status, body]).toEqual([502, 'Backend closed the connection within the response, route test/web/http:/\n']);
  });

  it('that grows too long is streamed from then on', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.write('x'.repeat(1500));
    });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    harness.after(async () => client.destroy());
    expect(await client.until((text) => text.includes('xxx'))).toContain('Transfer-Encoding: chunked');
  });

  it.each(['HEAD', 'GET'])('to %s of a page that has not changed has no length it should not have', async (method) => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(method === 'GET' ? 304 : 200, { 'Content-Length': 99 });
      response.end();
    });
    const got = await ask(port, `${method} /`);
    expect(got.headers['content-length']).toBe('99');
    expect(got.body).toBe('');
  });

  it('of events is not kept back', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    harness.after(async () => client.destroy());
    await client.until((text) => text.includes('data: 1'));
  });

  it('keeps its trailers', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.setHeader('Trailer', 'X-Sum');
      response.write('abc');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
    const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n');
    expect(got).toMatch(/3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n$/);
  });
});
