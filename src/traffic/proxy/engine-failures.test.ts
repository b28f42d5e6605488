// What clients see when backends die, lag or lie, and when clients themselves are slow.
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { ClockLab } from './testing/clock-lab.ts';
import { Harness, portOf } from './testing/harness.ts';
import { endpointsUpdate, simpleModel } from './testing/model.ts';
import { deafBackend, exchange, httpBackend, RawClient, rawBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

async function engineTo(
  ports: readonly number[],
  overrides: Partial<Cluster> = {},
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const engine = await harness.engine(options);
  engine.publish(simpleModel(ports, overrides));
  await engine.applied();
  return engine;
}

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('retries', () => {
  it('sends a GET again when the backend dies before it answers', async () => {
    let deaths = 0;
    const dying = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () => {
          deaths++;
          socket.destroy();
        }),
      ),
    );
    const alive = await harness.backend(rawBackend((socket) => socket.on('data', () => socket.write(OK))));
    const engine = await engineTo([dying.port, alive.port]);
    for (let i = 0; i < 6; i++) expect(await exchange(portOf(engine), get())).toMatch(/^HTTP\/1\.1 200 /);
    expect(deaths).toBeGreaterThan(0);
    expect(await engine.metricsText()).toContain(`evenkeel_http_retries_total{cluster="test/web/http"} ${deaths}`);
  });

  it('never sends a POST twice that may have been acted on', async () => {
    let seen = 0;
    const dying = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () => {
          seen++;
          socket.destroy();
        }),
      ),
    );
    const engine = await engineTo([dying.port]);
    expect(await exchange(portOf(engine), post)).toMatch(/^HTTP\/1\.1 502 /);
    expect(seen).toBe(1);
  });

  it('masks a backend that closes an idle connection just as it is used', async () => {
    let requests = 0;
    const web = await harness.backend(
      rawBackend((socket) => {
        let first = true;
        socket.on('data', () => {
          requests++;
          if (first) socket.write(OK);
          else socket.destroy();
          first = false;
        });
      }),
    );
    const engine = await engineTo([web.port], { retry: { attempts: 0 } });
    for (let i = 0; i < 4; i++) expect(await exchange(portOf(engine), get())).toMatch(/^HTTP\/1\.1 200 /);
    expect(requests).toBeGreaterThan(4);
  });

  it('honours no attempts: one refusal is one failure', async () => {
    const gone = await rawBackend(() => {});
    await gone.close();
    const engine = await engineTo([gone.port], { retry: { attempts: 0 } });
    expect(await exchange(portOf(engine), get())).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('does not reuse a connection beyond the time-out the backend names', async () => {
    let connections = 0;
    const web = await harness.backend(
      rawBackend((socket) => {
        connections++;
        socket.on('data', () =>
          socket.write(
            'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
          ),
        );
      }),
    );
    const engine = await engineTo([web.port]);
    await exchange(portOf(engine), get());
    await exchange(portOf(engine), get());
    expect(connections).toBeGreaterThan(0);
  });

  it('closes idle connections of an endpoint that leaves, and lets those at work finish', async () => {
    const closed: string[] = [];
    let answer: () => void = () => {};
    const arrived: (() => void)[] = [];
    const web = await harness.backend(
      rawBackend((socket: Socket) => {
        let path = '';
        socket.on('data', (bytes: Buffer) => {
          path = bytes.toString().split(' ')[1] as string;
          if (path === '/slow') {
            answer = () => socket.write(OK);
            for (const fn of arrived.splice(0)) fn();
          } else socket.write(OK);
        });
        socket.on('close', () => {
          closed.push(path);
          for (const fn of arrived.splice(0)) fn();
        });
        socket.on('end', () => socket.end());
      }),
    );
    const engine = await engineTo([web.port]);
    const slow = new RawClient(portOf(engine));
    const slowArrived = new Promise<void>((resolve) => arrived.push(resolve));
    slow.send(get('/slow'));
    await slowArrived;
    await exchange(portOf(engine), get('/idle'));
    const idleClosed = new Promise<void>((resolve) => arrived.push(resolve));
    engine.publish(endpointsUpdate([]));
    await idleClosed;
    expect(closed).toEqual(['/idle']);
    answer();
    expect(await slow.untilClosed()).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('an endpoint that takes no connection', () => {
  const beside = async (overrides: Partial<Cluster> = {}): Promise<Engine> => {
    const deaf = await harness.backend(deafBackend());
    const well = await harness.backend(rawBackend((socket) => socket.on('data', () => socket.write(OK))));
    return await engineTo([deaf.port, well.port], overrides);
  };

  /** How many of `count` clients, one after the other, left after 700 ms without an answer. */
  const impatient = async (engine: Engine, count: number): Promise<number> => {
    let left = 0;
    for (let request = 0; request < count; request++) {
      const client = new RawClient(portOf(engine)).send(get());
      if ((await Promise.race([client.untilClosed(), setTimeout(700, 'nothing')])) === 'nothing') left++;
      client.socket.resetAndDestroy();
    }
    return left;
  };

  it('is left alone once a client has lost patience with it', async () => {
    const engine = await beside();
    expect(await impatient(engine, 8)).toBe(1);
    expect(await engine.metricsText()).toMatch(/connect_timeout/);
  });

  it('is given up for another one long before the time-out', async () => {
    const engine = await beside();
    const begun = performance.now();
    const answers = await Promise.all([exchange(portOf(engine), get()), exchange(portOf(engine), post)]);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(performance.now() - begun).toBeLessThan(2_500);
  });

  it('is waited for as long as the time-out says where no other try is allowed', async () => {
    const timeouts = { connect: 2_000, response: 0, idle: 0 };
    const engine = await beside({ timeouts, retry: { attempts: 0 } });
    const times = await Promise.all(
      [1, 2].map(async () => {
        const begun = performance.now();
        const answer = await exchange(portOf(engine), get());
        return `${answer.slice(0, 12)} ${performance.now() - begun > 1_900 ? 'late' : 'soon'}`;
      }),
    );
    expect(times.sort()).toEqual(['HTTP/1.1 200 soon', 'HTTP/1.1 504 late']);
  });
});

describe('time-outs', () => {
  it('answers 504 when a backend does not answer, and gives it no second chance', async () => {
    let seen = 0;
    const mute = await harness.backend(rawBackend((socket) => socket.on('data', () => seen++)));
    const engine = await engineTo([mute.port], { timeouts: { connect: 1000, response: 300, idle: 300 } });
    expect(await exchange(portOf(engine), get())).toMatch(
      /^HTTP\/1\.1 504 [\s\S]*Backend did not respond in time, route test\/web\/http:\//,
    );
    expect(seen).toBe(1);
  });

  it('cuts a response that stops half-way', async () => {
    const half = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
      ),
    );
    const engine = await engineTo([half.port], { timeouts: { connect: 1000, response: 300, idle: 300 } });
    expect(await exchange(portOf(engine), get())).toMatch(/half$/);
  });

  it('answers 408 to a head, and to a body, that never ends', async () => {
    const web = await harness.backend(httpBackend((request, response) => void request.pipe(response)));
    const engine = await engineTo([web.port], {}, { limits: { headTimeout: 300, bodyTimeout: 300 } });
    const head = new RawClient(portOf(engine));
    expect(await head.send('GET / HTTP/1.1\r\nHos').untilClosed()).toMatch(/^HTTP\/1\.1 408 /);
    const body = new RawClient(portOf(engine));
    const got = await body
      .send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n')
      .untilClosed();
    expect(got).toMatch(/HTTP\/1\.1 408 /);
  });

  it('closes a connection that stays idle, without a word', async () => {
    const web = await harness.backend(httpBackend((_request, response) => response.end('ok')));
    const engine = await engineTo([web.port], {}, { limits: { idleTimeout: 300 } });
    const client = new RawClient(portOf(engine));
    const got = await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').untilClosed();
    expect(got).toMatch(/^HTTP\/1\.1 200 [\s\S]*ok$/);
  });

  it('drops a client that does not read', async () => {
    const chunk = Buffer.alloc(1 << 20);
    const closed = new Promise<void>((resolve) => {
      void harness
        .backend(
          rawBackend((socket) => {
            socket.once('data', () => {
              socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
              const pump = (): void => {
                while (socket.write(chunk));
              };
              socket.on('drain', pump);
              pump();
            });
            socket.on('close', () => resolve());
          }),
        )
        .then(async (web) => {
          const engine = await engineTo(
            [web.port],
            { timeouts: { connect: 1000, response: 0, idle: 0 } },
            { limits: { sendTimeout: 300 } },
          );
          const client = new RawClient(portOf(engine));
          client.send(get());
          client.socket.pause();
          harness.after(async () => client.destroy());
        });
    });
    await closed;
  });
});

describe('closing', () => {
  it('gives a slow reader the whole of its last answer', async () => {
    const lab = await ClockLab.start(
      await httpBackend((request, response) => response.end(Buffer.alloc(Number(request.url?.slice(1)), 'x'))),
      { linger: 1 },
      { timeouts: { connect: 2000, response: 0, idle: 0 } },
    );
    harness.after(() => lab.close());
    // Only an answer whose very end is what the system's buffers cannot take shows the fault; one of these sizes is.
    for (let size = 5_000_000; size < 7_000_000; size += 100_000) {
      const client = lab.client();
      client.send(get(`/${size}`));
      // After each piece that the client takes, more time passes than the proxy lingers.
      for (let seen = 0; !client.closed; seen = client.received.length) {
        client.socket.resume();
        await client.until((text) => text.length > seen || client.closed);
        client.socket.pause();
        await new Promise((resolve) => setImmediate(resolve));
        lab.clock.advance(300);
      }
      expect(client.received.length - client.received.indexOf('\r\n\r\n') - 4).toBe(size);
    }
  });
});

describe('limits', () => {
  it('answers 413 to a body beyond the limit, announced or not', async () => {
    const web = await harness.backend(httpBackend((request, response) => void request.pipe(response)));
    const engine = await engineTo([web.port], {}, { limits: { body: 10 } });
    const announced = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world';
    expect(await exchange(portOf(engine), announced)).toMatch(/^HTTP\/1\.1 413 /);
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n';
    expect(await exchange(portOf(engine), chunked)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('refuses a broken chunk and closes both sides', async () => {
    const web = await harness.backend(httpBackend((request, response) => void request.pipe(response)));
    const engine = await engineTo([web.port]);
    const text = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n';
    expect(await exchange(portOf(engine), text)).toMatch(/^HTTP\/1\.1 400 /);
  });
});
