// Certificates, restarts, draining and logs of a running engine.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { accessLogTo } from '#telemetry/access-record.ts';
import { eventually } from '#test/support/eventually.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import type { Engine } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { certificate, endpointsUpdate, listener, simpleModel, update } from './testing/model.ts';
import { exchange, httpBackend, RawClient } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const OK = (_request: unknown, response: { end(text: string): void }): void => response.end('ok');

async function tlsEngine(): Promise<{
  engine: Engine;
  issue(names: string[]): Promise<{ cert: string; key: string }>;
  ca: string;
}> {
  const authority = await createAuthority({ commonName: 'test' });
  const web = await harness.backend(httpBackend(OK));
  const engine = await harness.engine();
  const issue = async (names: string[]): Promise<{ cert: string; key: string }> => {
    const pair = await authority.issue({ commonName: names[0] as string, dnsNames: names });
    return { cert: pair.certPem, key: pair.keyPem };
  };
  engine.publish({ ...simpleModel([web.port]), listeners: new Map([['https', listener('https', 'https')]]) });
  return { engine, issue, ca: authority.certPem };
}

function connectTls(port: number, servername: string, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ port, host: '127.0.0.1', servername, ca, ALPNProtocols: ['http/1.1'] });
    socket.on('secureConnect', () => resolve(socket));
    socket.on('error', reject);
  });
}

describe('TLS', () => {
  it('chooses the certificate by server name, and refuses names it has none for', async () => {
    const { engine, issue, ca } = await tlsEngine();
    engine.publish(
      update({
        certificates: new Map([
          ['a', certificate('a', ['a.test'], await issue(['a.test']))],
          ['b', certificate('b', ['*.b.test'], await issue(['*.b.test']))],
        ]),
      }),
    );
    await engine.applied();
    const port = portOf(engine, 'https');
    for (const [name, subject] of [
      ['a.test', 'a.test'],
      ['x.b.test', '*.b.test'],
    ] as const) {
      const socket = await connectTls(port, name, ca);
      expect(socket.getPeerCertificate().subject.CN).toBe(subject);
      expect(socket.alpnProtocol).toBe('http/1.1');
      socket.destroy();
    }
    await expect(connectTls(port, 'c.test', ca)).rejects.toThrow();
  });

  it('serves a new certificate to new connections and leaves old ones alone', async () => {
    const { engine, issue, ca } = await tlsEngine();
    engine.publish(
      update({ certificates: new Map([['a', certificate('a', ['a.test'], await issue(['a.test', 'one.test']))]]) }),
    );
    await engine.applied();
    const port = portOf(engine, 'https');
    const old = await connectTls(port, 'a.test', ca);
    engine.publish(
      update({ certificates: new Map([['a', certificate('a', ['a.test'], await issue(['a.test', 'two.test']))]]) }),
    );
    await engine.applied();
    const fresh = await connectTls(port, 'a.test', ca);
    expect(fresh.getPeerCertificate().subjectaltname).toContain('two.test');
    expect(old.getPeerCertificate().subjectaltname).toContain('one.test');
    const client = new RawClient(0, '', old);
    const got = await client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n').until((text) => text.endsWith('ok'));
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    old.destroy();
    fresh.destroy();
  });

  it('gives clients without a server name the default certificate', async () => {
    const { engine, issue, ca } = await tlsEngine();
    engine.publish(update({ certificates: new Map([['d', certificate('d', [], await issue(['default.test']))]]) }));
    await engine.applied();
    const socket = tlsConnect({
      port: portOf(engine, 'https'),
      host: '127.0.0.1',
      ca,
      checkServerIdentity: () => undefined,
    });
    await new Promise((resolve, reject) => {
      socket.on('secureConnect', resolve);
      socket.on('error', reject);
    });
    expect(socket.getPeerCertificate().subject.CN).toBe('default.test');
    socket.destroy();
  });

  it('forgets a default certificate that is gone', async () => {
    const { engine, issue, ca } = await tlsEngine();
    engine.publish(update({ certificates: new Map([['d', certificate('d', [], await issue(['x.test']))]]) }));
    await engine.applied();
    const port = portOf(engine, 'https');
    (await connectTls(port, 'x.test', ca)).destroy();
    engine.publish(update({ certificates: new Map([['d', undefined]]) }));
    await engine.applied();
    await expect(connectTls(port, 'x.test', ca)).rejects.toThrow();
  });

  it('answers 421 for a host that the connection’s certificate does not cover', async () => {
    const { engine, issue, ca } = await tlsEngine();
    engine.publish(
      update({
        certificates: new Map([['a', certificate('a', ['a.test', 'b.test'], await issue(['a.test', 'b.test']))]]),
      }),
    );
    await engine.applied();
    const client = new RawClient(0, '', await connectTls(portOf(engine, 'https'), 'a.test', ca));
    await client.send('GET / HTTP/1.1\r\nHost: b.test\r\n\r\n').until((text) => text.endsWith('ok'));
    const got = await client.send('GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n').untilClosed();
    expect(got).toMatch(/HTTP\/1\.1 421 /);
  });
});

describe('lifecycle', () => {
  it('starts a worker again that has died, with everything published so far', async () => {
    let worker: Worker | undefined;
    process.once('worker', (created) => {
      worker = created;
    });
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine();
    const model = simpleModel([web.port]);
    const port = await freePort();
    engine.publish({ ...model, listeners: new Map([['http', listener('http', 'http', port)]]) });
    await engine.applied();
    await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const restarted = new Promise<Worker>((resolve) => process.once('worker', resolve));
    await worker?.terminate();
    await restarted;
    await engine.applied();
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await engine.metricsText()).toContain('code="200"} 2');
  });

  it('leaves no moment without a listener when one of two workers dies', async () => {
    const workers: Worker[] = [];
    const remember = (created: Worker): void => void workers.push(created);
    process.on('worker', remember);
    harness.after(async () => void process.off('worker', remember));
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine({ workers: 2 });
    engine.publish(simpleModel([web.port]));
    await engine.applied();
    const port = portOf(engine);
    let refused = 0;
    let connected = 0;
    let over = false;
    const knock = async (): Promise<void> => {
      while (!over) {
        await new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => {
            connected++;
            socket.destroy();
            resolve();
          });
          socket.on('error', (error: NodeJS.ErrnoException) => {
            if (error.code === 'ECONNREFUSED') refused++;
            resolve();
          });
        });
      }
    };
    const knocking = knock();
    for (const victim of workers.slice(0, 2)) {
      const restarted = new Promise<Worker>((resolve) => process.once('worker', resolve));
      await victim.terminate();
      await restarted;
      await engine.applied();
    }
    const before = connected;
    await eventually('connections after both died', () => expect(connected).toBeGreaterThan(before + 20));
    over = true;
    await knocking;
    expect(refused).toBe(0);
  });

  it('cuts what is under way on an endpoint that left, once its time to drain is over', async () => {
    const slow = await harness.backend(httpBackend((_, response) => void response.write('begun')));
    const engine = await harness.engine();
    engine.publish(simpleModel([slow.port], { timeouts: { connect: 2000, response: 5000, idle: 60_000, drain: 50 } }));
    await engine.applied();
    const client = new RawClient(portOf(engine)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.includes('begun'));
    engine.publish(endpointsUpdate([]));
    await engine.applied();
    const got = await client.untilClosed();
    expect(got).toContain('begun');
    expect(got).not.toContain('\r\n0\r\n\r\n');
  });

  it('stays drained whatever is published, and when a worker dies', async () => {
    const started = new Promise<Worker>((resolve) => process.once('worker', resolve));
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine();
    const port = await freePort();
    const model = simpleModel([web.port]);
    engine.publish({ ...model, listeners: new Map([['http', listener('http', 'http', port)]]) });
    await engine.applied();
    await engine.drain(1000);
    engine.publish(endpointsUpdate([web.port]));
    await engine.applied();
    const restarted = new Promise<Worker>((resolve) => process.once('worker', resolve));
    await (await started).terminate();
    await restarted;
    await engine.applied();
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toBe('');
    // Whoever asks once more is answered at once, too.
    await engine.drain(60_000);
  });

  it('drains: answers what is under way, closes its connection, accepts nobody', async () => {
    let answer: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      void harness
        .backend(
          httpBackend((_request, response) => {
            answer = () => response.end('late');
            resolve();
          }),
        )
        .then(async (web) => {
          engine.publish(simpleModel([web.port]));
          await engine.applied();
          client = new RawClient(portOf(engine));
          idle = new RawClient(portOf(engine));
          client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        });
    });
    const engine = await harness.engine();
    let client: RawClient | undefined;
    let idle: RawClient | undefined;
    await arrived;
    const drained = engine.drain(5000);
    await idle?.untilClosed();
    answer();
    expect(await client?.untilClosed()).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*late/);
    await drained;
    const refused = new RawClient(portOf(engine));
    expect(await refused.untilClosed()).toBe('');
  });

  it('serves from several workers on one port, and counts once', async () => {
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine({ workers: 2 });
    engine.publish(simpleModel([web.port]));
    await engine.applied();
    const port = portOf(engine);
    for (let i = 0; i < 20; i++) await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await engine.metricsText()).toContain(
      'evenkeel_http_requests_total{listener="http",route="test/web/http:/",code="200"} 20',
    );
    expect(await engine.clusters()).toMatchObject([{ endpoints: [{ inFlight: 0, requests: { '2xx': 20 } }] }]);
  });

  it.each([1, 2])('reports a port that is taken, with %s workers', async (workers) => {
    const port = await freePort();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
    harness.after(() => new Promise((resolve) => holder.close(() => resolve())));
    const engine = await harness.engine({ workers });
    const errors: [string, string | undefined][] = [];
    engine.onListenError((name, error) => errors.push([name, (error as NodeJS.ErrnoException).code]));
    engine.publish({ ...simpleModel([]), listeners: new Map([['http', listener('http', 'http', port)]]) });
    await engine.applied();
    expect(errors).toEqual([['http', 'EADDRINUSE']]);
  });

  it('writes one JSON line a request when the access log is on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-log-'));
    harness.after(async () => rmSync(directory, { recursive: true }));
    const file = join(directory, 'access.log');
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine({ accessLog: accessLogTo(file) });
    engine.publish(simpleModel([web.port]));
    await engine.applied();
    await exchange(portOf(engine), 'GET /a?b HTTP/1.1\r\nHost: shop\r\nX-Request-Id: r1\r\nConnection: close\r\n\r\n');
    await engine.close();
    const line = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(line).toMatchObject({
      method: 'GET',
      host: 'shop',
      path: '/a?b',
      status: 200,
      route: 'ingress/test/test/web/http/',
      pod: `test/pod-${web.port}`,
      requestId: 'r1',
      attempts: 1,
      bytesOut: 2,
    });
  });

  it.runIf(existsSync('/dev/full'))('counts the lines that a full disk lost', async () => {
    const web = await harness.backend(httpBackend(OK));
    const engine = await harness.engine({ accessLog: accessLogTo('/dev/full') });
    engine.publish(simpleModel([web.port]));
    await engine.applied();
    for (let i = 0; i < 3; i++)
      await exchange(portOf(engine), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await expect
      .poll(() => engine.metricsText(), { timeout: 5000 })
      .toContain('\nevenkeel_access_log_dropped_lines_total 3\n');
  });

  it('refuses to start with an access log that cannot be written', async () => {
    await expect(harness.engine({ accessLog: accessLogTo('/proc/nowhere/access.log') })).rejects.toThrow(
      'Cannot write the access log "/proc/nowhere/access.log"',
    );
  });

  it('shows its configuration without keys', async () => {
    const { engine, issue } = await tlsEngine();
    const pair = await issue(['a.test']);
    engine.publish(update({ certificates: new Map([['a', certificate('a', ['a.test'], pair)]]) }));
    await engine.applied();
    const dump = JSON.stringify(await engine.configDump());
    expect(dump).toContain('[redacted]');
    expect(dump).not.toContain('PRIVATE KEY');
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
