// The load driver against real servers: what it counts, what it measures, and that a slow server cannot slow it down.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { afterEach, expect, test } from 'vitest';
import { createAuthority } from '#traffic/identity/authority.ts';
import { formatReport } from './format.ts';
import { type LoadOptions, runLoad } from './run.ts';
import { constantRate, recordedTimes, varyingRate } from './schedule.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handler: RequestListener): Promise<URL> {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
}

const base: Omit<LoadOptions, 'url'> = {
  schedule: constantRate(200, 200),
  method: 'GET',
  headers: [],
  connections: 16,
  timeoutMs: 2_000,
  insecure: false,
};

test('every request is counted, by the pod that answered', async () => {
  let served = 0;
  const hosts = new Set<string | undefined>();
  const url = await serve((request, response) => {
    hosts.add(request.headers.host);
    response.setHeader('X-Evenkeel-Endpoint', `shop/web-${served++ % 2}`);
    response.end('hello');
  });
  const report = await runLoad({ ...base, url, host: 'shop.local' });
  expect(report).toMatchObject({ requests: 40, ok: 40, errors: {}, perPod: { 'shop/web-0': 20, 'shop/web-1': 20 } });
  expect(served).toBe(40);
  // 40 in 200 ms are 200/s, or fewer where the machine is busy; never more than were asked for.
  expect(report.achievedRate).toBeLessThanOrEqual(200);
  expect([...hosts]).toEqual(['shop.local']);
  expect(report.latencyMs.max).toBeGreaterThanOrEqual(report.latencyMs.p50);
  expect(formatReport(report)).toMatch(/shop\/web-0 +20 +50\.0%/);
});

test('failures are told apart by kind', async () => {
  let count = 0;
  const url = await serve((request, response) => {
    count++;
    if (count % 4 === 1) response.writeHead(503).end();
    else if (count % 4 === 2) request.socket.destroy();
    else response.end();
  });
  const report = await runLoad({ ...base, url, connections: 1 });
  expect(report.ok).toBe(20);
  expect(report.errors).toEqual({ 'HTTP 503': 10, 'connection closed': 10 });
  expect(report.failures).toHaveLength(20);
  expect(formatReport(report)).toContain('10 × HTTP 503');
});

test('a request that waits for a connection waits on its own account', async () => {
  // One connection and 20 ms a request: a loop that waited for answers would see 20 ms each and send a tenth.
  const url = await serve((_, response) => void setTimeout(() => response.end(), 20));
  const report = await runLoad({ ...base, url, connections: 1, schedule: constantRate(500, 100) });
  expect(report.requests).toBe(50);
  expect(report.latencyMs.max).toBeGreaterThan(500);
});

test('an answer that does not come is a timeout, even for a request that never got a connection', async () => {
  const url = await serve(() => {});
  const report = await runLoad({ ...base, url, connections: 1, timeoutMs: 100, schedule: constantRate(200, 50) });
  expect(report.errors).toEqual({ timeout: 10 });
});

test('a certificate that is not trusted says what helps', async () => {
  const authority = await createAuthority({ commonName: 'test' });
  const { certPem, keyPem } = await authority.issue({ commonName: 'shop', dnsNames: ['shop.local'], server: true });
  const server = createTlsServer({ cert: certPem, key: keyPem }, (_, response) => void response.end());
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`https://127.0.0.1:${(server.address() as { port: number }).port}/`);
  const refused = await runLoad({ ...base, url, host: 'shop.local' });
  expect(refused.ok).toBe(0);
  expect(formatReport(refused)).toContain('name its authority with --ca');
  const trusted = { ...base, url, host: 'shop.local', caPem: authority.certPem };
  expect(await runLoad(trusted)).toMatchObject({ ok: 40, errors: {} });
  expect(formatReport(await runLoad({ ...trusted, host: 'other.local' }))).toContain('its host with --host');
});

test('an interrupted run reports what it has', async () => {
  const stop = new AbortController();
  let served = 0;
  const url = await serve((_, response) => {
    response.end();
    if (++served === 10) stop.abort();
  });
  const report = await runLoad({ ...base, url, schedule: constantRate(200, 60_000), signal: stop.signal });
  expect(report.requests).toBeGreaterThan(0);
  expect(report.requests).toBeLessThan(12_000);
});

test('each second of the timeline holds the requests that were meant to start in it', async () => {
  const url = await serve((_, response) => void response.setHeader('X-Evenkeel-Endpoint', 'shop/web-0').end());
  const knots = [
    { atMs: 0, rate: 20 },
    { atMs: 1000, rate: 20 },
    { atMs: 1000, rate: 60 },
    { atMs: 1500, rate: 60 },
  ];
  const { timeline } = await runLoad({ ...base, url, schedule: varyingRate(knots) });
  expect(timeline.map(({ at, requests, failed, perPod }) => [at, requests, failed, perPod['shop/web-0']])).toEqual([
    [0, 20, 0, 20],
    [1, 30, 0, 30],
  ]);
  for (const { p50, p95, p99, max } of timeline)
    expect([p50, p95, p99, max].toSorted((a, b) => a - b)).toEqual([p50, p95, p99, max]);
});

test('a replay sends what was recorded, to the host of each', async () => {
  const seen: string[] = [];
  const url = await serve((request, response) => {
    seen.push(`${request.method} ${request.headers.host} ${request.url}`);
    response.end();
  });
  const requests = [
    { method: 'GET', path: '/a?b=1', host: 'one.test' },
    { method: 'HEAD', path: '/b' },
  ];
  const report = await runLoad({ ...base, url, connections: 1, schedule: recordedTimes([0, 20]), requests });
  expect(report).toMatchObject({ requests: 2, ok: 2 });
  expect(seen).toEqual(['GET one.test /a?b=1', `HEAD ${url.host} /b`]);
});
