// External authorisation through the real engine: who is asked what, who passes, and that nobody does unasked.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grpcAuthoriser, type HttpAuthoriser, type HttpVerdict, httpAuthoriser } from '#test/support/authorisers.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Cluster, ExternalAuth, Route } from '#traffic/model/ir.ts';
import { Harness } from '../../testing/harness.ts';
import { cluster, endpoint } from '../../testing/model.ts';
import { exchange, httpBackend, RawClient, rawBackend } from '../../testing/peers.ts';
import { ask, echo, echoOf, FilterLab, read, routed } from '../testing.ts';

const AUTH = 'test/auth/http';
const harness = new Harness();
let lab: FilterLab;
let served = 0;
beforeEach(() => {
  lab = new FilterLab(harness, { limits: { replay: 8192 } });
  served = 0;
});
afterEach(() => harness.close());

const byHttp: ExternalAuth = {
  protocol: 'http',
  cluster: AUTH,
  maxBody: 0,
  pathPrefix: '',
  allowedHeaders: [],
  allowedResponseHeaders: [],
};
const byGrpc: ExternalAuth = { protocol: 'grpc', cluster: AUTH, maxBody: 0, allowedHeaders: [] };

/** An engine whose every route asks what listens at `authPort`. */
async function guarded(
  auth: ExternalAuth,
  authPort: number | undefined,
  of: Partial<Cluster> = {},
  route: Partial<Route> = {},
): Promise<number> {
  const web = await harness.backend(
    httpBackend((request, response) => {
      served++;
      echo(request, response);
    }),
  );
  const protocol = auth.protocol === 'grpc' ? 'http2' : 'http1';
  return lab.publish(
    routed(
      [web.port],
      { filters: [{ type: 'external_auth', ...auth }], ...route },
      {},
      {
        clusters: new Map([[AUTH, cluster(AUTH, { upstreamProtocol: protocol, ...of })]]),
        endpoints: new Map([[AUTH, authPort === undefined ? [] : [endpoint(authPort)]]]),
      },
    ),
  );
}

const decided = (decide: HttpAuthoriser['decide']): Promise<HttpAuthoriser> => harness.backend(httpAuthoriser(decide));

async function outcomes(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [, outcome, count] of (await lab.metrics()).matchAll(
    /^evenkeel_http_external_auth_total\{.*outcome="(\w+)"\} (\d+)$/gm,
  ))
    found[outcome as string] = Number(count);
  return found;
}

describe('a service that is asked by HTTP', () => {
  it('gets method, path below its prefix, host and the headers that it may see, and no others', async () => {
    const auth = await decided(() => ({ status: 200 }));
    const port = await guarded({ ...byHttp, pathPrefix: '/check/', allowedHeaders: ['X-Team'] }, auth.port);
    const answer = await ask(port, 'DELETE /a?b=c', 'Authorization: Bearer t', 'x-team: red', 'Cookie: secret=1');
    expect(answer.status).toBe(200);
    expect(auth.asked).toHaveLength(1);
    expect(auth.asked[0]).toMatchObject({ method: 'DELETE', path: '/check/a?b=c', body: '' });
    expect(auth.asked[0]?.headers).toMatchObject({ host: 'shop.test', authorization: 'Bearer t', 'x-team': 'red' });
    expect(auth.asked[0]?.headers).not.toHaveProperty('cookie');
    expect(await outcomes()).toEqual({ allowed: 1 });
  });

  it('tells the backend who asks, and a client that says so itself is not believed', async () => {
    const auth = await decided(
      ({ headers }): HttpVerdict =>
        headers.authorization === undefined
          ? { status: 200 }
          : { status: 200, headers: { 'X-User': 'ann', 'X-No': '1' } },
    );
    const port = await guarded({ ...byHttp, allowedResponseHeaders: ['x-user', 'host'] }, auth.port);
    const known = echoOf(await ask(port, 'GET /', 'Authorization: t', 'X-User: root'));
    expect(known.headers).toMatchObject({ 'x-user': 'ann', host: 'shop.test' });
    expect(known.headers).not.toHaveProperty('x-no');
    expect(echoOf(await ask(port, 'GET /', 'X-User: root')).headers).not.toHaveProperty('x-user');
  });

  it('gives all of its headers where none is named, save those that speak of the answer itself', async () => {
    const auth = await decided(() => ({ status: 200, headers: { 'X-User': 'ann', 'Content-Type': 'text/auth' } }));
    const port = await guarded(byHttp, auth.port);
    const { headers } = echoOf(await ask(port, 'GET /', 'Content-Type: text/own'));
    expect(headers).toMatchObject({ 'x-user': 'ann', 'content-type': 'text/own' });
  });

  it('denies with its own answer, and the backend hears nothing', async () => {
    const auth = await decided(() => ({
      status: 401,
      headers: { 'WWW-Authenticate': 'Bearer', 'Content-Type': 'text/auth' },
      body: 'who?',
    }));
    const port = await guarded(byHttp, auth.port);
    const answer = await ask(port);
    expect(answer).toMatchObject({ status: 401, body: 'who?' });
    expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'content-type': 'text/auth' });
    auth.decide = () => ({ status: 302, headers: { Location: 'https://login.test/' } });
    expect(await ask(port)).toMatchObject({ status: 302, headers: { location: 'https://login.test/' } });
    expect(served).toBe(0);
    expect(await outcomes()).toEqual({ denied: 2 });
  });

  it.each([204, 304, 500, 503])('lets nobody pass with %i', async (status) => {
    const auth = await decided(() => ({ status }));
    expect(await ask(await guarded(byHttp, auth.port))).toMatchObject({ status: 403 });
    expect(served).toBe(0);
    expect(await outcomes()).toEqual({ failed: 1 });
  });

  it('lets nobody pass while it is gone, has no endpoint, or does not answer in time', async () => {
    const gone = await decided(() => ({ status: 200 }));
    await gone.close();
    const port = await guarded(byHttp, gone.port);
    expect((await ask(port)).status).toBe(403);
    await guarded(byHttp, undefined);
    expect((await ask(port)).status).toBe(403);
    const silent = await decided(() => undefined);
    await guarded(byHttp, silent.port, { timeouts: { connect: 100, response: 100, idle: 5000 } });
    expect((await ask(port)).status).toBe(403);
    expect(served).toBe(0);
    expect(await outcomes()).toMatchObject({ no_endpoint: 1, timeout: 1 });
  });

  it('is asked again on a new connection when it closes the kept one', async () => {
    let connections = 0;
    const auth = await harness.backend(
      rawBackend((socket) => {
        let requests = 0;
        connections++;
        socket.on('data', () => {
          if (requests++ > 0) socket.destroy();
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      }),
    );
    const port = await guarded(byHttp, auth.port);
    for (let i = 0; i < 3; i++) expect((await ask(port)).status).toBe(200);
    expect(connections).toBe(3);
    expect(await outcomes()).toEqual({ allowed: 3 });
  });

  it('gets the body up to its limit; a longer one is refused, and the backend gets all of it', async () => {
    const auth = await decided(() => ({ status: 200 }));
    const port = await guarded({ ...byHttp, maxBody: 10 }, auth.port);
    const post = (framing: string): Promise<string> =>
      exchange(port, `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framing}`);
    const whole = read(await post('Content-Length: 10\r\n\r\n0123456789'));
    expect(auth.asked[0]).toMatchObject({ body: '0123456789', headers: { 'content-length': '10' } });
    expect(echoOf(whole).body).toBe('0123456789');
    const chunked = read(await post('Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'));
    expect([auth.asked[1]?.body, echoOf(chunked).body]).toEqual(['abcde', 'abcde']);
    expect(read(await post('Content-Length: 11\r\n\r\n0123456789a')).status).toBe(413);
    expect(read(await post('Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n')).status).toBe(413);
    expect(auth.asked).toHaveLength(2);
  });

  it('is not sent a body that nobody asked for, and a long one waits for the verdict', async () => {
    let told = (): void => {};
    const asked = new Promise<void>((resolve) => {
      told = resolve;
    });
    const auth = await decided(() => {
      told();
      return { status: 200 };
    });
    const port = await guarded(byHttp, auth.port);
    const body = 'x'.repeat(3_000_000);
    const client = new RawClient(port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await asked;
    const answer = read(await client.untilClosed());
    expect(echoOf(answer).body.length).toBe(body.length);
    expect(auth.asked[0]).toMatchObject({ body: '', headers: { 'content-length': '0' } });
  });

  it('hears no more of a request whose client has gone', async () => {
    const auth = await decided(() => undefined);
    const port = await guarded(byHttp, auth.port);
    const client = new RawClient(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('the service is asked', () => expect(auth.asked).toHaveLength(1));
    client.socket.resetAndDestroy();
    await eventually('the question is given up', async () => expect(await outcomes()).toEqual({ cancelled: 1 }));
    expect(served).toBe(0);
  });

  it('is not passed by: a redirect that stands beside the filter is refused as a whole', async () => {
    const auth = await decided(() => ({ status: 200 }));
    const action = { type: 'redirect', redirect: { status: 302, hostname: 'secret.test' } } as const;
    const answer = await ask(await guarded(byHttp, auth.port, {}, { action }));
    expect([answer.status, answer.headers.location]).toEqual([500, undefined]);
  });
});

describe('a service that is asked by gRPC', () => {
  it('gets the attributes of the request, and changes what the backend and the client get', async () => {
    const auth = await harness.backend(
      grpcAuthoriser(() => ({
        code: 0,
        headers: [['X-User', 'ann']],
        remove: ['authorization', 'host'],
        responseHeaders: [['x-checked', 'yes']],
      })),
    );
    const port = await guarded({ ...byGrpc, maxBody: 100 }, auth.port);
    const answer = read(
      await exchange(
        port,
        'POST /a?b=c HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\nAuthorization: t\r\nX-User: root\r\nContent-Length: 3\r\n\r\nabc',
      ),
    );
    expect(auth.asked).toEqual([
      {
        method: 'POST',
        path: '/a?b=c',
        host: 'shop.test',
        scheme: 'http',
        body: 'abc',
        source: '127.0.0.1',
        headers: { authorization: 't', 'x-user': 'root' },
      },
    ]);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-checked': 'yes' } });
    const { headers, body } = echoOf(answer);
    expect(headers).toMatchObject({ 'x-user': 'ann', host: 'shop.test' });
    expect(headers).not.toHaveProperty('authorization');
    expect(body).toBe('abc');
    expect(await outcomes()).toEqual({ allowed: 1 });
  });

  it('denies with its own status, headers and body, else with 403', async () => {
    let verdict: Parameters<typeof grpcAuthoriser>[0] = () => ({
      code: 16,
      status: 401,
      headers: [
        ['www-authenticate', 'Basic'],
        ['content-length', '99'],
      ],
      body: 'who?',
    });
    const auth = await harness.backend(grpcAuthoriser((asked) => verdict(asked)));
    const port = await guarded({ ...byGrpc, allowedHeaders: ['x-team'] }, auth.port);
    const answer = await ask(port, 'GET /', 'X-Team: red', 'Cookie: a=b');
    expect(answer).toMatchObject({ status: 401, body: 'who?', headers: { 'www-authenticate': 'Basic' } });
    expect(auth.asked[0]?.headers).toEqual({ 'x-team': 'red' });
    verdict = () => ({ code: 7 });
    expect((await ask(port)).status).toBe(403);
    expect(await outcomes()).toEqual({ denied: 2 });
    // Cut short within a field.
    verdict = () => Buffer.from([0x1a, 0x05, 0x01]);
    expect((await ask(port)).status).toBe(403);
    expect(await outcomes()).toEqual({ denied: 2, failed: 1 });
    expect(served).toBe(0);
  });

  it('lets nobody pass where it does not know the call', async () => {
    const auth = await decided(() => ({ status: 200 }));
    expect((await ask(await guarded(byGrpc, auth.port))).status).toBe(403);
    expect(served).toBe(0);
  });
});
