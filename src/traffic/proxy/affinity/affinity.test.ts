// Session affinity through real engines: who stays with whom, for how long, and what clients are told of it.

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { AffinityPolicy, Cluster, Endpoint, Route } from '#traffic/model/ir.ts';
import { type Answer, ask, FilterLab, routed, WEB } from '../filters/testing.ts';
import { Harness } from '../testing/harness.ts';
import { cluster, endpoint, route, update } from '../testing/model.ts';
import { httpBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

type Cookie = Extract<AffinityPolicy, { type: 'cookie' }>;

const persistent: Cookie = { type: 'cookie', name: 'sid', path: '/', maxAgeSeconds: 0, mode: 'persistent' };
const balanced: Cookie = { ...persistent, mode: 'balanced' };

/** Backends that say who they are. */
async function backends(count: number): Promise<number[]> {
  const started = Array.from({ length: count }, () =>
    harness.backend(httpBackend((request, response) => response.end(String(request.socket.localPort)))),
  );
  return (await Promise.all(started)).map(({ port }) => port);
}

async function engineFor(ports: readonly number[], affinity: AffinityPolicy, of: Partial<Cluster> = {}) {
  const lab = new FilterLab(harness);
  const port = await lab.publish(routed(ports, {}, { affinity, ...of }));
  return { lab, port };
}

/** The `name=value` of the cookie that an answer sets. */
function cookieOf(answer: Answer): string {
  return (answer.headers['set-cookie'] ?? '').split(';')[0] as string;
}

async function many(port: number, times: number, ...lines: string[]): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < times; i++) seen.add((await ask(port, 'GET /', ...lines)).body);
  return seen;
}

async function setEndpoints(lab: FilterLab, endpoints: readonly Endpoint[], name = WEB): Promise<void> {
  lab.engine?.publish(update({ endpoints: new Map([[name, endpoints]]) }));
  await lab.engine?.applied();
}

describe('a persistent cookie', () => {
  it('names the endpoint that answered first, and no address', async () => {
    const ports = await backends(3);
    const { port } = await engineFor(ports, persistent);
    const first = await ask(port);
    expect(first.headers['set-cookie']).toMatch(/^sid=[\w-]{6}\.[\w-]{16}; Path=\/; HttpOnly$/);
    expect(await many(port, 6, `Cookie: a=b; ${cookieOf(first)}; c=d`)).toEqual(new Set([first.body]));
    expect((await ask(port, 'GET /', `Cookie: ${cookieOf(first)}`)).headers).not.toHaveProperty('set-cookie');
    // Those without it are balanced as ever.
    expect((await many(port, 6)).size).toBe(3);
  });

  it('has the attributes of the policy', async () => {
    const ports = await backends(1);
    const policy: Cookie = { ...persistent, path: '/shop', maxAgeSeconds: 60, sameSite: 'None' };
    const { lab, port } = await engineFor(ports, policy);
    expect((await ask(port)).headers['set-cookie']).toMatch(
      /^sid=[^;]+; Path=\/shop; Max-Age=60; Secure; SameSite=None; HttpOnly$/,
    );
    await lab.publish(routed(ports, {}, { affinity: { ...persistent, secure: true } }));
    expect((await ask(port)).headers['set-cookie']).toMatch(/^sid=[^;]+; Path=\/; Secure; HttpOnly$/);
    const behind = new FilterLab(harness, { trustedProxies: ['127.0.0.0/8'] });
    const front = await behind.publish(routed(ports, {}, { affinity: persistent }));
    expect((await ask(front, 'GET /', 'X-Forwarded-Proto: https')).headers['set-cookie']).toContain('; Secure');
    expect((await ask(front)).headers['set-cookie']).not.toContain('Secure');
  });

  it('means the same to every gateway, and something else under another key', async () => {
    const ports = await backends(4);
    const { port } = await engineFor(ports, persistent);
    const { port: replica } = await engineFor([...ports].reverse(), persistent);
    const first = await ask(port);
    expect(await many(replica, 4, `Cookie: ${cookieOf(first)}`)).toEqual(new Set([first.body]));
    const { port: keyed } = await engineFor(ports, { ...persistent, key: { value: 'secret', private: true } });
    const other = await ask(keyed, 'GET /', `Cookie: ${cookieOf(first)}`);
    expect(cookieOf(other)).not.toBe('');
    expect(cookieOf(other)).not.toBe(cookieOf(first));
  });

  it('stays while endpoints come, and moves with a new cookie when its own has gone', async () => {
    const ports = await backends(4);
    const { lab, port } = await engineFor(ports.slice(0, 2), persistent);
    const first = await ask(port);
    const mine = `Cookie: ${cookieOf(first)}`;
    await setEndpoints(
      lab,
      ports.map((one) => endpoint(one)),
    );
    expect(await many(port, 6, mine)).toEqual(new Set([first.body]));
    await setEndpoints(
      lab,
      ports.filter((one) => String(one) !== first.body).map((one) => endpoint(one)),
    );
    const moved = await ask(port, 'GET /', mine);
    expect(moved.body).not.toBe(first.body);
    expect(await many(port, 4, `Cookie: ${cookieOf(moved)}`)).toEqual(new Set([moved.body]));
  });

  it('keeps a client on a terminating endpoint only while there are no others', async () => {
    const [a, b] = (await backends(2)) as [number, number];
    const { lab, port } = await engineFor([a], persistent);
    const first = await ask(port);
    const leaving = { ...endpoint(a), ready: false, terminating: true };
    await setEndpoints(lab, [leaving]);
    expect(await many(port, 2, `Cookie: ${cookieOf(first)}`)).toEqual(new Set([String(a)]));
    await setEndpoints(lab, [leaving, endpoint(b)]);
    expect((await ask(port, 'GET /', `Cookie: ${cookieOf(first)}`)).body).toBe(String(b));
  });

  it('moves on, with a new cookie, when its endpoint refuses connections', async () => {
    const started = await Promise.all(
      [0, 1].map(() =>
        httpBackend((request, response) => {
          response.setHeader('Connection', 'close');
          response.end(String(request.socket.localPort));
        }),
      ),
    );
    for (const one of started) await harness.backend(Promise.resolve(one));
    const { port } = await engineFor(
      started.map((one) => one.port),
      persistent,
    );
    const first = await ask(port);
    await started.find((one) => String(one.port) === first.body)?.close();
    const moved = await ask(port, 'GET /', `Cookie: ${cookieOf(first)}`);
    expect(moved.status).toBe(200);
    expect(moved.body).not.toBe(first.body);
    expect(cookieOf(moved)).not.toBe(cookieOf(first));
    expect(cookieOf(moved)).toMatch(/^sid=/);
  });

  it('moves on when its endpoint is ejected', async () => {
    let broken = 0;
    const started = await Promise.all(
      [0, 1].map(() =>
        harness.backend(
          httpBackend((request, response) => {
            const port = request.socket.localPort as number;
            if (port === broken) response.statusCode = 500;
            response.end(String(port));
          }),
        ),
      ),
    );
    const { port } = await engineFor(
      started.map((one) => one.port),
      persistent,
      { outlierDetection: { consecutive5xx: 3, maxEjectionPercent: 100 } },
    );
    const first = await ask(port);
    const mine = `Cookie: ${cookieOf(first)}`;
    broken = Number(first.body);
    for (let i = 0; i < 3; i++) expect((await ask(port, 'GET /', mine)).body).toBe(first.body);
    await eventually('the client to be moved', async () => {
      const moved = await ask(port, 'GET /', mine);
      expect([moved.status, moved.body === first.body]).toEqual([200, false]);
      expect(cookieOf(moved)).toMatch(/^sid=/);
    });
  });

  it('with a name or a path that would bend the header line is never set', async () => {
    const { port } = await engineFor(await backends(1), { ...persistent, path: '/\r\nX-Evil: 1' });
    const { status, headers } = await ask(port);
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('set-cookie');
    expect(headers).not.toHaveProperty('x-evil');
  });

  it.each(['sid=', 'sid=x', 'sid=aaaaaa.bbbbbbbbbbbbbbbb', 'sid=__proto__', 'xsid=1'])(
    'that nobody issued, %s, counts as none',
    async (cookie) => {
      const ports = await backends(2);
      const { port } = await engineFor(ports, persistent);
      expect((await ask(port, 'GET /', `Cookie: ${cookie}`)).headers['set-cookie']).toMatch(/^sid=[\w-]{6}\./);
    },
  );

  it('is found among several of its name, as a browser sends them for several paths', async () => {
    const ports = await backends(3);
    const { port } = await engineFor(ports, persistent);
    const first = await ask(port);
    expect(await many(port, 4, `Cookie: sid=stale; ${cookieOf(first)}`)).toEqual(new Set([first.body]));
  });

  it('is not taken away by a filter that removes the cookies of backends', async () => {
    const ports = await backends(1);
    const lab = new FilterLab(harness);
    const filters: Route['filters'] = [{ type: 'response_headers', remove: ['Set-Cookie'] }];
    const port = await lab.publish(routed(ports, { filters }, { affinity: persistent }));
    expect(cookieOf(await ask(port))).toMatch(/^sid=/);
  });
});

const CANARY = 'test/canary/http';

/** Nine of ten new clients to the stable backends, one to the canary's. */
async function canary(affinity: AffinityPolicy, weights: readonly [number, number] = [90, 10]) {
  const [a, b, c, d] = (await backends(4)) as [number, number, number, number];
  const lab = new FilterLab(harness);
  const split = (stable: number, test: number): Route => ({
    ...route(WEB),
    action: {
      type: 'forward',
      clusters: [
        { cluster: WEB, weight: stable },
        { cluster: CANARY, weight: test },
      ],
    },
  });
  const port = await lab.publish(
    routed(
      [a, b],
      split(...weights),
      { affinity },
      {
        clusters: new Map([[CANARY, cluster(CANARY, { affinity })]]),
        endpoints: new Map([[CANARY, [endpoint(c), endpoint(d)]]]),
      },
    ),
  );
  const weigh = async (stable: number, test: number): Promise<void> => {
    lab.engine?.publish(
      update({
        virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes: [split(stable, test)] }]]),
      }),
    );
    await lab.engine?.applied();
  };
  return { lab, port, weigh, stable: [a, b].map(String), test: [c, d].map(String) };
}

describe('a client of a split route', () => {
  it('stays with the version and the endpoint that it came to first', async () => {
    const { lab, port, weigh, stable, test } = await canary(persistent, [0, 1]);
    const first = await ask(port);
    expect(test).toContain(first.body);
    const mine = `Cookie: ${cookieOf(first)}`;
    await weigh(99, 1);
    expect(await many(port, 12, mine)).toEqual(new Set([first.body]));
    // Also when that endpoint goes: the next is of the same version.
    await setEndpoints(lab, [endpoint(Number(test.find((one) => one !== first.body)))], CANARY);
    expect(test).toContain((await ask(port, 'GET /', mine)).body);
    // Until the version is taken back.
    await weigh(1, 0);
    expect(stable).toContain((await ask(port, 'GET /', mine)).body);
  });

  it.each<[string, AffinityPolicy, (id: number) => string]>([
    ['a balanced cookie', balanced, (id) => `Cookie: sid=client-${id}`],
    ['a header', { type: 'header', name: 'x-user' }, (id) => `X-User: ${id}`],
  ])('with %s stays too, and clients spread by weight', async (_name, affinity, line) => {
    const { port, test } = await canary(affinity, [50, 50]);
    let onTest = 0;
    for (let id = 0; id < 60; id++) {
      const seen = await many(port, 2, line(id));
      expect(seen.size).toBe(1);
      if (test.includes([...seen][0] as string)) onTest++;
    }
    expect(onTest).toBeGreaterThan(15);
    expect(onTest).toBeLessThan(45);
  });
});

describe('a balanced cookie', () => {
  it('is an id that is given once, and leads to the same endpoint through every gateway', async () => {
    const ports = await backends(4);
    const { port } = await engineFor(ports, balanced);
    const { port: replica } = await engineFor([...ports].reverse(), balanced);
    const first = await ask(port);
    expect(first.headers['set-cookie']).toMatch(/^sid=[\w-]{16}; Path=\/; HttpOnly$/);
    const mine = `Cookie: ${cookieOf(first)}`;
    expect(await many(port, 3, mine)).toEqual(new Set([first.body]));
    expect(await many(replica, 3, mine)).toEqual(new Set([first.body]));
    expect((await ask(port, 'GET /', mine)).headers).not.toHaveProperty('set-cookie');
  });

  it('gives a new endpoint its share of the clients, and moves no others', async () => {
    const ports = await backends(4);
    const { lab, port } = await engineFor(ports.slice(0, 3), balanced);
    const where = async (): Promise<string[]> => {
      const places: string[] = [];
      for (let id = 0; id < 80; id++) places.push((await ask(port, 'GET /', `Cookie: sid=client-${id}`)).body);
      return places;
    };
    const before = await where();
    await setEndpoints(
      lab,
      ports.map((one) => endpoint(one)),
    );
    const after = await where();
    const moved = after.filter((place, id) => place !== before[id]);
    expect(new Set(moved)).toEqual(new Set([String(ports[3])]));
    expect(moved.length).toBeGreaterThan(5);
    expect(moved.length).toBeLessThan(40);
  });

  it('that cannot be one of ours is replaced', async () => {
    const { port } = await engineFor(await backends(1), balanced);
    expect(cookieOf(await ask(port, 'GET /', `Cookie: sid=${'x'.repeat(200)}`))).toMatch(/^sid=[\w-]{16}$/);
  });
});

describe('without a cookie', () => {
  it('a header keeps its clients, and those without it are balanced', async () => {
    const { port } = await engineFor(await backends(3), { type: 'header', name: 'x-user' });
    expect((await many(port, 5, 'X-User: ann')).size).toBe(1);
    expect((await many(port, 6)).size).toBe(3);
  });

  it('an address keeps its clients, whatever the policy, and tells them nothing', async () => {
    const { port } = await engineFor(await backends(3), { type: 'source_ip' });
    expect((await many(port, 6)).size).toBe(1);
    expect((await ask(port)).headers).not.toHaveProperty('set-cookie');
  });
});
