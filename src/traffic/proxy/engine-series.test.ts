// Which series a running engine shows: as many as there are things to count, however many come and go.
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster, Endpoint, VirtualHost } from '#traffic/model/ir.ts';
import { Harness, portOf } from './testing/harness.ts';
import { cluster, endpoint, endpointsUpdate, listener, route, simpleModel, update } from './testing/model.ts';
import { exchange, httpBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const OK = (_request: unknown, response: { end(text: string): void }): void => response.end('ok');

describe('series', () => {
  it('opens no series for hosts that nobody serves', async () => {
    const engine = await harness.engine();
    engine.publish(update({ listeners: new Map([['http', listener()]]) }));
    await engine.applied();
    for (let i = 0; i < 20; i++) {
      await exchange(portOf(engine), `GET /${i} HTTP/1.1\r\nHost: h${i}.test\r\nConnection: close\r\n\r\n`);
    }
    const lines = (await engine.metricsText())
      .split('\n')
      .filter((line) => line.startsWith('evenkeel_http_requests_total{'));
    expect(lines).toEqual(['evenkeel_http_requests_total{listener="http",route="none",code="404"} 20']);
  });

  it('ends the series of an endpoint that has left', async () => {
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine();
    engine.publish(simpleModel([web.port]));
    await engine.applied();
    await exchange(portOf(engine), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await engine.metricsText()).toContain(`endpoint="test/pod-${web.port}"`);
    engine.publish(endpointsUpdate([]));
    await engine.applied();
    expect(await engine.metricsText()).not.toContain('endpoint=');
  });

  it('ends the series of routes and clusters that are gone, however many come and go', async () => {
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine();
    engine.publish(simpleModel([web.port]));
    const ask = (host: string): Promise<string> =>
      exchange(portOf(engine), `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    for (let version = 0; version < 3; version++) {
      const name = `web-${version}`;
      const last = `web-${version - 1}`;
      const host: VirtualHost = { hostname: 'a', wildcard: 'any-labels', routes: [route(name)] };
      engine.publish(
        update({
          virtualHosts: new Map([['a', host]]),
          clusters: new Map<string, Cluster | undefined>([
            [last, undefined],
            [name, cluster(name)],
          ]),
          endpoints: new Map<string, Endpoint[] | undefined>([
            [last, undefined],
            [name, [endpoint(web.port)]],
          ]),
        }),
      );
      await engine.applied();
      expect(await ask('a')).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(await ask('b')).toMatch(/^HTTP\/1\.1 200 /);
    const text = await engine.metricsText();
    expect(text).toContain('evenkeel_http_requests_total{listener="http",route="web-2:/",code="200"} 1\n');
    expect(text).toContain('evenkeel_http_requests_total{listener="http",route="test/web/http:/",code="200"} 1\n');
    expect(text).toContain('evenkeel_upstream_requests_total{cluster="web-2"');
    expect(text).not.toMatch(/web-[01]/);
  });
});
