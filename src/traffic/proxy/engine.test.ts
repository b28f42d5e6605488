// The whole engine, workers and all, between real sockets: what a request meets on its way.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { endpointsUpdate, simpleModel } from './testing/model.ts';
import { exchange, httpBackend, RawClient, rawBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

describe('engine', () => {
  let proxy: Engine;
  beforeEach(async () => {
    proxy = await harness.engine({ servedByHeader: 'x-evenkeel-endpoint' });
  });

  it('forwards a request and answers with what the backend said', async () => {
    const web = await harness.backend(
      httpBackend((request, response) => {
        response.setHeader('X-Seen', `${request.method} ${request.url} ${request.headers.host}`);
        response.setHeader('X-Chain', String(request.headers['x-forwarded-for']));
        response.end('hello');
      }),
    );
    proxy.publish(simpleModel([web.port]));
    await proxy.ready();
    const response = await fetch(`http://127.0.0.1:${portOf(proxy)}/a?b=c`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('hello');
    expect(response.headers.get('x-seen')).toBe(`GET /a?b=c 127.0.0.1:${portOf(proxy)}`);
    expect(response.headers.get('x-chain')).toBe('127.0.0.1');
    expect(response.headers.get('x-evenkeel-endpoint')).toBe(`test/pod-${web.port}`);
    expect(await proxy.metricsText()).toContain(
      'evenkeel_http_requests_total{listener="http",route="test/web/http:/",code="200"} 1',
    );
  });

  it('carries bodies of any size both ways', async () => {
    const web = await harness.backend(httpBackend((request, response) => void request.pipe(response)));
    proxy.publish(simpleModel([web.port]));
    await proxy.ready();
    for (const size of [1, 100, 8192, 65_536, 3_000_000]) {
      const sent = 'x'.repeat(size);
      const response = await fetch(`http://127.0.0.1:${portOf(proxy)}/`, { method: 'POST', body: sent });
      expect((await response.text()) === sent).toBe(true);
    }
  });

  it('answers pipelined requests in order', async () => {
    const web = await harness.backend(httpBackend((request, response) => response.end(request.url)));
    proxy.publish(simpleModel([web.port]));
    await proxy.ready();
    const got = await exchange(
      portOf(proxy),
      'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect([...got.matchAll(/\r\n\r\n\/(\d)/g)].map((match) => match[1])).toEqual(['1', '2', '3']);
  });

  it('retries on another endpoint when one refuses connections', async () => {
    const web = await harness.backend(httpBackend((_request, response) => response.end('ok')));
    const gone = await rawBackend(() => {});
    await gone.close();
    proxy.publish(simpleModel([gone.port, web.port]));
    await proxy.ready();
    for (let i = 0; i < 4; i++) {
      const response = await fetch(`http://127.0.0.1:${portOf(proxy)}/`, { method: 'POST', body: 'x' });
      expect(response.status).toBe(200);
    }
  });

  it('answers 404, 502 and 503 with a reason that names the route', async () => {
    const gone = await rawBackend(() => {});
    await gone.close();
    proxy.publish(simpleModel([gone.port]));
    await proxy.ready();
    const refused = await fetch(`http://127.0.0.1:${portOf(proxy)}/`);
    expect([refused.status, await refused.text()]).toEqual([
      502,
      'Backend does not accept connections, route test/web/http:/\n',
    ]);
    proxy.publish(endpointsUpdate([]));
    await proxy.applied();
    const empty = await fetch(`http://127.0.0.1:${portOf(proxy)}/`);
    expect([empty.status, await empty.text()]).toEqual([503, 'No endpoint is ready, route test/web/http:/\n']);
    proxy.publish({ version: 1000, virtualHosts: new Map([['*', undefined]]) });
    await proxy.applied();
    const lost = await fetch(`http://127.0.0.1:${portOf(proxy)}/`);
    expect(lost.status).toBe(404);
  });

  it('refuses malformed requests and closes', async () => {
    proxy.publish(simpleModel([]));
    await proxy.ready();
    const client = new RawClient(portOf(proxy));
    const got = await client.send('GET / HTTP/1.1\r\nHost : a\r\n\r\n').untilClosed();
    expect(got).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(got).toContain('Connection: close');
  });
});
