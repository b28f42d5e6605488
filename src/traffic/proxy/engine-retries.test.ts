// What clients see of retries and time-outs, with real backends that fail in every way a policy can name.
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Cluster, Route } from '#traffic/model/ir.ts';
import type { Engine } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { cluster, endpoint, listener, route, update } from './testing/model.ts';
import { exchange, httpBackend, RawClient, rawBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

async function engineTo(
  ports: readonly number[],
  settings: { cluster?: Partial<Cluster>; route?: Partial<Route> } = {},
): Promise<Engine> {
  const engine = await harness.engine();
  engine.publish(
    update({
      listeners: new Map([['http', listener()]]),
      virtualHosts: new Map([
        ['*', { hostname: '*', wildcard: 'any-labels', routes: [{ ...route('web'), ...settings.route }] }],
      ]),
      clusters: new Map([['web', cluster('web', settings.cluster)]]),
      endpoints: new Map([['web', ports.map((port) => endpoint(port))]]),
    }),
  );
  await engine.applied();
  return engine;
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc';

/** A backend that answers every request with `status`, and counts requests and connections. */
async function answering(status: number, body = 'no'): Promise<{ port: number; requests: string[]; sockets: number }> {
  const seen = { port: 0, requests: [] as string[], sockets: 0 };
  const backend = await harness.backend(
    httpBackend((request, response) => {
      let text = '';
      request.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      request.on('end', () => {
        seen.requests.push(`${request.method} ${text}`);
        response.writeHead(status).end(body);
      });
    }),
  );
  backend.server.on('connection', () => seen.sockets++);
  seen.port = backend.port;
  return seen;
}

describe('retries by status', () => {
  it('hides a 503 behind another endpoint, and keeps the connection it came on', async () => {
    const sick = await answering(503, 'x'.repeat(2000));
    const well = await answering(200, 'fine');
    const engine = await engineTo([sick.port, well.port], {
      cluster: { retry: { attempts: 1, on: ['gateway_error'] } },
    });
    for (let i = 0; i < 8; i++) expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 [\s\S]*fine/);
    expect(sick.requests.length).toBeGreaterThanOrEqual(4);
    expect(sick.sockets).toBe(1);
    expect(await engine.metricsText()).toContain(`evenkeel_http_retries_total{cluster="web"} ${sick.requests.length}`);
  });

  it('gives the client the last answer when no try is better', async () => {
    const sick = await answering(503, 'all of us are ill');
    const engine = await engineTo([sick.port], { cluster: { retry: { attempts: 2, on: ['5xx'] } } });
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 [\s\S]*all of us are ill/);
    expect(sick.requests).toHaveLength(3);
  });

  it('repeats a POST only where the route says that it may', async () => {
    const sick = await answering(503);
    const well = await answering(200, 'fine');
    const careful = await engineTo([sick.port], { cluster: { retry: { attempts: 1, on: ['5xx'] } } });
    expect(await exchange(portOf(careful), post)).toMatch(/^HTTP\/1\.1 503 /);
    expect(sick.requests).toEqual(['POST abc']);
    const brave = await engineTo([sick.port, well.port], {
      route: { retry: { attempts: 1, on: ['5xx'], methods: ['POST'] } },
    });
    for (let i = 0; i < 4; i++) expect(await exchange(portOf(brave), post)).toMatch(/^HTTP\/1\.1 200 /);
    expect(new Set([...sick.requests, ...well.requests])).toEqual(new Set(['POST abc']));
  });

  it('goes to every endpoint once before it goes to one twice', async () => {
    const fleet = await Promise.all([answering(500), answering(500), answering(500)]);
    const engine = await engineTo(
      fleet.map(({ port }) => port),
      { cluster: { policy: { type: 'random' }, retry: { attempts: 2, on: ['5xx'] } } },
    );
    for (let i = 1; i <= 5; i++) {
      await exchange(portOf(engine), get);
      expect(fleet.map(({ requests }) => requests.length)).toEqual([i, i, i]);
    }
  });

  it('waits between tries as long as the back-off says, and takes what the client sends meanwhile', async () => {
    const bodies: string[] = [];
    let answers = 0;
    const web = await harness.backend(
      httpBackend((request, response) => {
        if (answers++ === 0) {
          response.writeHead(503).end();
          return;
        }
        let text = '';
        request.on('data', (bytes: Buffer) => {
          text += bytes.toString();
        });
        request.on('end', () => {
          bodies.push(text);
          response.end('fine');
        });
      }),
    );
    const engine = await engineTo([web.port], {
      route: { retry: { attempts: 1, on: ['5xx'], methods: ['POST'], backoff: { baseMs: 400, maxMs: 400 } } },
    });
    const client = new RawClient(portOf(engine));
    harness.after(async () => client.destroy());
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    await eventually('the first answer', () => expect(answers).toBe(1));
    client.send('def');
    expect(await client.until((text) => text.includes('fine'))).toMatch(/^HTTP\/1\.1 200 /);
    expect(bodies).toEqual(['abcdef']);
  });
});

describe('time-outs', () => {
  it('tries another endpoint when one takes too long for a try', async () => {
    const stuck = await harness.backend(rawBackend(() => {}));
    const well = await answering(200, 'fine');
    const engine = await engineTo([stuck.port, well.port], {
      route: { timeouts: { perTry: 700 }, retry: { attempts: 1, on: ['timeout'] } },
    });
    for (let i = 0; i < 4; i++) expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await engine.metricsText()).toMatch(/outcome="try_timeout"\} [1-9]/);
  });

  it('answers 504 when the whole request takes too long, tries and waits included', async () => {
    const sick = await answering(503);
    const engine = await engineTo([sick.port], {
      route: {
        timeouts: { request: 80 },
        retry: { attempts: 1000, on: ['5xx'], backoff: { baseMs: 20, maxMs: 20 } },
      },
    });
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 504 [\s\S]*Request took too long, route web/);
    expect(sick.requests.length).toBeGreaterThan(0);
  });

  it('cuts a response that has begun when the whole request takes too long', async () => {
    const dripping = await harness.backend(
      rawBackend((socket) => {
        const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20);
        socket.on('close', () => clearInterval(timer));
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'));
      }),
    );
    const engine = await engineTo([dripping.port], { route: { timeouts: { request: 150 } } });
    const text = await exchange(portOf(engine), get);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).not.toContain('\r\n0\r\n\r\n');
    expect(await engine.metricsText()).toMatch(/outcome="request_timeout"\} 1\n/);
  });

  it('lets a conversation last beyond it, once both sides have switched protocols', async () => {
    const echoing = await harness.backend(
      rawBackend((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
          socket.on('data', (bytes: Buffer) => socket.write(bytes));
        });
      }),
    );
    const engine = await engineTo([echoing.port], { route: { timeouts: { request: 100 } } });
    const client = new RawClient(portOf(engine));
    harness.after(async () => client.destroy());
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    await client.until((text) => text.includes('101'));
    // A request that is bounded alike, begun later, has run out of time: so would the conversation have.
    const stuck = await harness.backend(rawBackend(() => {}));
    engine.publish(update({ endpoints: new Map([['web', [endpoint(stuck.port)]]]) }));
    await engine.applied();
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 504 /);
    client.send('still here');
    await client.until((text) => text.endsWith('still here'));
  });
});
