// Filters and affinity from a configuration file, met by a client that people use: curl, with two workers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateways, type TestGateway } from '#test/support/gateway.ts';
import { run } from '#test/support/run.ts';
import { hasTool } from '#test/support/tools.ts';

const gateways = new Gateways();
afterEach(() => gateways.close());

const page = 'All work and no play makes Jack a dull boy. '.repeat(300);

async function serve(filters: string, cluster = ''): Promise<TestGateway> {
  const backends = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      gateways.backend((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          response.setHeader('X-Name', name);
          response.setHeader('Content-Type', 'text/html');
          response.end(
            request.url === '/page' ? page : `${request.method} ${request.url} ${Buffer.concat(parts).length}`,
          );
        });
      }),
    ),
  );
  return gateways.start(
    `listeners: { web: { address: 127.0.0.1, port: 0 } }
virtualHosts:
  all:
    hostname: '*'
    routes:
      - { path: /old, action: { type: redirect, redirect: { path: { type: prefix, value: /new } } } }
      - { path: /, filters: [${filters}], action: app }
clusters: { app: { endpoints: [${backends.map((one) => `'${one}'`).join(', ')}], ${cluster} } }
`,
    ['--workers', '2'],
  );
}

async function curl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run('curl', ['-sS', '--max-time', '20', ...args]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

describe.runIf(hasTool('curl', 'filters with curl'))('curl', () => {
  it.each(['gzip', 'br', 'zstd'])('reads what is compressed by %s, over HTTP/1.1 and HTTP/2', async (coding) => {
    const gateway = await serve('{ type: compression }');
    const url = `${gateway.url('web')}/page`;
    for (const version of ['--http1.1', '--http2-prior-knowledge']) {
      const head = await curl(version, '-H', `Accept-Encoding: ${coding}`, '-D', '-', '-o', '/dev/null', url);
      expect(head.toLowerCase()).toContain(`content-encoding: ${coding}`);
      expect(await curl(version, '--compressed', '-H', `Accept-Encoding: ${coding}`, url)).toBe(page);
    }
  });

  it('follows a redirect that keeps the port', async () => {
    const gateway = await serve('');
    expect(await curl('-L', `${gateway.url('web')}/old/a?b=c`)).toBe('GET /new/a?b=c 0');
  });

  it('is told 100 by a gateway that takes the body in first, and 413 beyond', async () => {
    const gateway = await serve('{ type: buffer_request, maxBytes: 2000000 }');
    const file = join(gateways.dir, 'body');
    writeFileSync(file, Buffer.alloc(1_500_000, 'x'));
    expect(await curl('-T', file, `${gateway.url('web')}/up`)).toBe('PUT /up 1500000');
    expect(await curl('-T', '-', '-H', 'Transfer-Encoding: chunked', `${gateway.url('web')}/up`)).toBe('PUT /up 0');
    writeFileSync(file, Buffer.alloc(2_500_000, 'x'));
    const status = await curl('-o', '/dev/null', '-w', '%{http_code}', '-T', file, `${gateway.url('web')}/up`);
    expect(status).toBe('413');
  });

  it('stays with its endpoint by its cookie jar, whichever worker it meets', async () => {
    const gateway = await serve('', 'affinity: { type: cookie, name: sid }');
    const jar = join(gateways.dir, 'jar');
    const names = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const head = await curl('-c', jar, '-b', jar, '-D', '-', '-o', '/dev/null', `${gateway.url('web')}/page`);
      names.add(/^x-name: (\w)/im.exec(head)?.[1] ?? '');
    }
    expect(names.size).toBe(1);
  });
});
