// Mirroring through the real engine: what mirrors get, how many of the requests, and that nobody feels it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Cluster, RouteFilter } from '#traffic/model/ir.ts';
import { Harness } from '../../testing/harness.ts';
import { cluster, endpoint } from '../../testing/model.ts';
import { exchange, httpBackend, RawClient, rawBackend } from '../../testing/peers.ts';
import { ask, echo, FilterLab, routed } from '../testing.ts';

const harness = new Harness();
let lab: FilterLab;
beforeEach(() => {
  lab = new FilterLab(harness);
});
afterEach(() => harness.close());

const SHADOW = 'test/shadow/http';

interface Seen {
  readonly line: string;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** A backend behind `SHADOW` that notes what it gets, and the model that mirrors to it. */
async function mirrored(filters: RouteFilter[], of: Partial<Cluster> = {}): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const web = await harness.backend(httpBackend(echo));
  const shadow = await harness.backend(
    httpBackend((request, response) => {
      let body = '';
      request.on('data', (part) => {
        body += String(part);
      });
      request.on('end', () => {
        seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
        response.statusCode = 500;
        response.end('thrown away');
      });
    }),
  );
  const port = await lab.publish(
    routed(
      [web.port],
      { filters },
      {},
      {
        clusters: new Map([[SHADOW, cluster(SHADOW, of)]]),
        endpoints: new Map([[SHADOW, [endpoint(shadow.port)]]]),
      },
    ),
  );
  return { port, seen };
}

const all: RouteFilter = { type: 'mirror', cluster: SHADOW, percent: 100 };

async function outcomes(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [, outcome, count] of (await lab.metrics()).matchAll(
    /^evenkeel_http_mirrored_requests_total\{.*outcome="(\w+)"\} (\d+)$/gm,
  ))
    found[outcome as string] = Number(count);
  return found;
}

describe('a mirror', () => {
  it('gets what the backend gets, edits and body included, under the same host and id', async () => {
    const { port, seen } = await mirrored([
      all,
      { type: 'request_headers', set: [{ name: 'X-Env', value: 'live' }] },
      { type: 'rewrite', path: { type: 'prefix', value: '/v1' } },
    ]);
    const got = await exchange(
      port,
      'POST /a?b=c HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: r1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    );
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    await eventually('the copies at the mirror', () => expect(seen).toHaveLength(1));
    expect(seen[0]).toMatchObject({
      line: 'POST /v1/a?b=c',
      body: 'abcde',
      headers: { host: 'shop.test', 'x-env': 'live', 'x-request-id': 'r1', 'x-forwarded-for': '127.0.0.1' },
    });
    await eventually('the count of mirrored requests', async () => expect(await outcomes()).toEqual({ answered: 1 }));
    // The mirror's 500 is in nobody's figures.
    expect(await lab.metrics()).not.toContain(`evenkeel_upstream_requests_total{cluster="${SHADOW}"`);
  });

  it('may be one of several, each with its share, exact over a stretch of requests', async () => {
    const { port, seen } = await mirrored([
      { type: 'mirror', cluster: SHADOW, percent: 25 },
      { type: 'mirror', cluster: SHADOW, percent: 10 },
    ]);
    const client = new RawClient(port);
    harness.after(async () => client.destroy());
    for (let i = 1; i <= 40; i++) {
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.until((text) => text.split('HTTP/1.1 200').length > i);
    }
    await eventually('the copies at the mirror', () => expect(seen).toHaveLength(14));
  });

  it.each([
    ['is gone', () => rawBackend((socket) => socket.destroy())],
    ['answers nonsense', () => rawBackend((socket) => socket.on('data', () => socket.end('nonsense\r\n\r\n')))],
  ])('that %s costs the client nothing', async (_name, start) => {
    const shadow = await harness.backend(start());
    const web = await harness.backend(httpBackend(echo));
    const port = await lab.publish(
      routed(
        [web.port],
        { filters: [all] },
        {},
        {
          clusters: new Map([[SHADOW, cluster(SHADOW)]]),
          endpoints: new Map([[SHADOW, [endpoint(shadow.port)]]]),
        },
      ),
    );
    expect((await ask(port)).status).toBe(200);
    await eventually('the count of mirrored requests', async () => expect(await outcomes()).toEqual({ failed: 1 }));
  });

  it('that never answers holds nobody up, counts in flight on its endpoint, and ends by its own time-out', async () => {
    const shadow = await harness.backend(rawBackend((socket) => socket.resume()));
    const web = await harness.backend(httpBackend(echo));
    const port = await lab.publish(
      routed(
        [web.port],
        { filters: [all] },
        {},
        {
          clusters: new Map([[SHADOW, cluster(SHADOW, { timeouts: { connect: 100, response: 400, idle: 0 } })]]),
          endpoints: new Map([[SHADOW, [endpoint(shadow.port)]]]),
        },
      ),
    );
    expect((await ask(port)).status).toBe(200);
    await eventually('the count of mirrored requests', async () => expect(await outcomes()).toEqual({ timeout: 1 }));
    const clusters = await lab.engine?.clusters();
    expect(clusters?.find(({ name }) => name === SHADOW)?.endpoints[0]?.inFlight).toBe(0);
  });

  it('does not keep an engine from leaving', async () => {
    const shadow = await harness.backend(rawBackend((socket) => socket.resume()));
    const web = await harness.backend(httpBackend(echo));
    const port = await lab.publish(
      routed(
        [web.port],
        { filters: [all] },
        {},
        {
          clusters: new Map([[SHADOW, cluster(SHADOW, { timeouts: { connect: 0, response: 0, idle: 0 } })]]),
          endpoints: new Map([[SHADOW, [endpoint(shadow.port)]]]),
        },
      ),
    );
    expect((await ask(port)).status).toBe(200);
    // Ends long before its time is over, though the mirror would never end.
    await lab.engine?.drain(600_000);
    await lab.engine?.close();
  });

  it('gets no request that is longer than what is kept, nor one that was not sent whole', async () => {
    const { port, seen } = await mirrored([all]);
    const long = 'x'.repeat(70_000);
    const got = await exchange(
      port,
      `POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: ${long.length}\r\nConnection: close\r\n\r\n${long}`,
    );
    expect(got).toContain(long);
    const client = new RawClient(port).send('POST /part HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome');
    await eventually('the request in flight', async () =>
      expect(await lab.metrics()).toContain('evenkeel_http_requests_in_flight 1'),
    );
    client.destroy();
    await eventually('the count of mirrored requests', async () =>
      expect(await outcomes()).toEqual({ too_large: 1, incomplete: 1 }),
    );
    expect(seen).toEqual([]);
  });

  it('without a cluster or an endpoint is counted as such', async () => {
    const port = await lab.serve({ filters: [{ type: 'mirror', cluster: 'test/none/http', percent: 100 }] });
    expect((await ask(port)).status).toBe(200);
    await eventually('the count of mirrored requests', async () =>
      expect(await outcomes()).toEqual({ no_endpoint: 1 }),
    );
  });

  it('takes a place within the limits of its cluster', async () => {
    const shadow = await harness.backend(rawBackend((socket) => socket.resume()));
    const web = await harness.backend(httpBackend(echo));
    const port = await lab.publish(
      routed(
        [web.port],
        { filters: [all] },
        {},
        {
          clusters: new Map([[SHADOW, cluster(SHADOW, { circuitBreaker: { maxRequests: 2 } })]]),
          endpoints: new Map([[SHADOW, [endpoint(shadow.port)]]]),
        },
      ),
    );
    for (let i = 0; i < 5; i++) expect((await ask(port)).status).toBe(200);
    await eventually('the count of mirrored requests', async () => expect(await outcomes()).toEqual({ overflow: 3 }));
  });
});
