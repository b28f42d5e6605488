// Requests that come while a cluster has no endpoint: they wait for the first one, within their bounds, and none is lost.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { accessLogTo } from '#telemetry/access-record.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { HoldPolicy } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { Http2Client } from './testing/http2-peers.ts';
import { endpoint, endpointsUpdate, simpleModel, update } from './testing/model.ts';
import { exchange, httpBackend, RawClient } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

/** Nothing here takes long; a machine with other work may. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

/** Nobody is told that it took too long while a test still waits. */
const hold: HoldPolicy = { maxRequests: 100, maxBytes: 1024 * 1024, timeout: 10 * PATIENCE_MS };
const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

async function engineWith(policy: HoldPolicy | undefined, options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await harness.engine(options);
  engine.publish(simpleModel([], policy === undefined ? {} : { hold: policy }));
  await engine.applied();
  return engine;
}

/** A backend that answers with what it got, and comes into being when the test wants it. */
async function bringEndpoint(engine: Engine): Promise<{ port: number; bodies: string[] }> {
  const bodies: string[] = [];
  const backend = await harness.backend(
    httpBackend((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (bytes: Buffer) => hash.update(bytes));
      request.on('end', () => {
        bodies.push(hash.digest('hex'));
        response.end('here');
      });
    }),
  );
  engine.publish(endpointsUpdate([backend.port]));
  await engine.applied();
  return { port: backend.port, bodies };
}

const held = async (engine: Engine): Promise<number> =>
  Number(/^evenkeel_held_requests\{cluster="test\/web\/http"\} (\d+)$/m.exec(await engine.metricsText())?.[1] ?? 0);
const ended = async (engine: Engine, outcome: string): Promise<number> =>
  Number(
    new RegExp(`^evenkeel_held_requests_total\\{.*outcome="${outcome}"\\} (\\d+)$`, 'm').exec(
      await engine.metricsText(),
    )?.[1] ?? 0,
  );
const waiting = (engine: Engine, count: number): Promise<void> =>
  expect.poll(() => held(engine), { timeout: PATIENCE_MS, interval: 10 }).toBe(count);

describe('a request without an endpoint', () => {
  it('waits for the first one, and says in the access log how long', async () => {
    const directory = tempDir('hold');
    harness.after(async () => directory.remove());
    const accessLog = join(directory.path, 'access.log');
    const engine = await engineWith(hold, { accessLog: accessLogTo(accessLog) });
    const answer = exchange(portOf(engine), get);
    await waiting(engine, 1);
    expect((await engine.counts()).held.map(({ values }) => values[0])).toEqual([1]);
    await bringEndpoint(engine);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*here$/);
    expect(await held(engine)).toBe(0);
    expect(await ended(engine, 'released')).toBe(1);
    expect(await engine.metricsText()).toContain('evenkeel_hold_duration_seconds_count{cluster="test/web/http"} 1\n');
    // Nobody waits any more: the next one goes its way.
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
    await engine.close();
    const [first, second] = readFileSync(accessLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({ status: 200, attempts: 1, failure: '' });
    expect(first.heldMs).toBeGreaterThan(0);
    expect(first.durationMs).toBeGreaterThanOrEqual(first.heldMs);
    expect(second).toMatchObject({ heldMs: 0 });
  });

  it.each([
    ['known', 300_000],
    ['chunked', 300_000],
    ['short', 10],
  ])('keeps its body, of %s length, whole', async (length, size) => {
    const engine = await engineWith(hold);
    const body = `${'x'.repeat(size - 3)}end`;
    const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`;
    const client = new RawClient(portOf(engine));
    if (length === 'chunked') {
      client.send(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      for (let at = 0; at < size; at += 30_000) {
        const part = body.slice(at, at + 30_000);
        client.send(`${part.length.toString(16)}\r\n${part}\r\n`);
      }
      client.send('0\r\n\r\n');
    } else client.send(`${head}Content-Length: ${size}\r\n\r\n${body}`);
    await waiting(engine, 1);
    const { bodies } = await bringEndpoint(engine);
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 /);
    expect(bodies).toEqual([createHash('sha256').update(body).digest('hex')]);
  });

  it('is released with all the others, and none is lost', async () => {
    const engine = await engineWith(hold, { workers: 2 });
    const answers = Array.from({ length: 60 }, () => exchange(portOf(engine), get));
    await expect
      .poll(async () => (await held(engine)) + (await ended(engine, 'overflow')), { timeout: PATIENCE_MS })
      .toBe(60);
    const overflows = await ended(engine, 'overflow');
    const { bodies } = await bringEndpoint(engine);
    const statuses = (await Promise.all(answers)).map((answer) => answer.slice(9, 12));
    expect(statuses.filter((status) => status === '200')).toHaveLength(60 - overflows);
    expect(bodies).toHaveLength(60 - overflows);
    expect(await held(engine)).toBe(0);
  });

  it('waits the same way when it comes by HTTP/2', async () => {
    const engine = await engineWith(hold);
    const client = new Http2Client(`http://127.0.0.1:${portOf(engine)}`);
    harness.after(async () => client.close());
    const answer = client.request({ ':path': '/', ':authority': 'a' });
    await waiting(engine, 1);
    await bringEndpoint(engine);
    expect((await answer).body).toBe('here');
  });

  it('is refused at once where nothing is held', async () => {
    const engine = await engineWith(undefined);
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 [\s\S]*No endpoint is ready/);
  });
});

describe('the bounds', () => {
  it('of number: the next one is refused, and the others wait on', async () => {
    const engine = await engineWith({ ...hold, maxRequests: 2 });
    const answers = [exchange(portOf(engine), get), exchange(portOf(engine), get)];
    await waiting(engine, 2);
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 [\s\S]*Too many requests wait/);
    expect(await ended(engine, 'overflow')).toBe(1);
    await bringEndpoint(engine);
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('of bytes: bodies count as far as they are kept', async () => {
    const engine = await engineWith({ ...hold, maxBytes: 100 });
    const post = (size: number): Promise<string> =>
      exchange(
        portOf(engine),
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n${'x'.repeat(size)}`,
      );
    const first = post(60);
    await waiting(engine, 1);
    expect(await post(41)).toMatch(/^HTTP\/1\.1 503 /);
    const second = post(40);
    await waiting(engine, 2);
    const third = exchange(portOf(engine), get);
    await waiting(engine, 3);
    await bringEndpoint(engine);
    for (const answer of await Promise.all([first, second, third])) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('of time: whoever has waited for so long is told', async () => {
    const engine = await engineWith({ ...hold, timeout: 50 });
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 [\s\S]*No endpoint became ready in time/);
    expect(await ended(engine, 'timeout')).toBe(1);
    expect(await held(engine)).toBe(0);
  });

  it('a client that leaves makes room', async () => {
    const engine = await engineWith({ ...hold, maxRequests: 1 });
    const client = new RawClient(portOf(engine)).send(get);
    await waiting(engine, 1);
    // A mere end of what it sends could be all that it has to say.
    client.socket.resetAndDestroy();
    await waiting(engine, 0);
    expect(await ended(engine, 'abandoned')).toBe(1);
    const answer = exchange(portOf(engine), get);
    await waiting(engine, 1);
    await bringEndpoint(engine);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('endpoints come and go', () => {
  it('news of none does not disturb those who wait', async () => {
    const engine = await engineWith(hold);
    const answer = exchange(portOf(engine), get);
    await waiting(engine, 1);
    engine.publish(endpointsUpdate([]));
    await engine.applied();
    expect(await held(engine)).toBe(1);
    await bringEndpoint(engine);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('after the last has left requests wait again', async () => {
    const engine = await engineWith(hold);
    await bringEndpoint(engine);
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
    engine.publish(endpointsUpdate([]));
    await engine.applied();
    const answer = exchange(portOf(engine), get);
    await waiting(engine, 1);
    await bringEndpoint(engine);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('one that is on its way out is not asked, although it would still answer', async () => {
    const engine = await engineWith(hold);
    const old = await bringEndpoint(engine);
    const leaving = { ...endpoint(old.port), ready: false, serving: true, terminating: true };
    engine.publish(update({ endpoints: new Map([['test/web/http', [leaving]]]) }));
    await engine.applied();
    const answer = exchange(portOf(engine), get);
    await waiting(engine, 1);
    expect(old.bodies).toEqual([]);
    const next = await bringEndpoint(engine);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(next.bodies).toHaveLength(1);
  });

  it('a gateway that drains holds nobody new', async () => {
    const engine = await engineWith(hold);
    const answer = exchange(portOf(engine), get);
    await waiting(engine, 1);
    const draining = engine.drain(PATIENCE_MS);
    await bringEndpoint(engine);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    await draining;
  });
});
