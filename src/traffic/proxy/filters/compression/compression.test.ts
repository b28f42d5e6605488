// Compression: what is negotiated, what may be compressed, and real bodies through the real engine.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accessLogTo } from '#telemetry/access-record.ts';
import { eventually } from '#test/support/eventually.ts';
import type { CompressionPolicy, RouteFilter } from '#traffic/model/ir.ts';
import { Harness } from '../../testing/harness.ts';
import { exchange, RawClient, rawBackend } from '../../testing/peers.ts';
import { type Answer, ask, FilterLab, read, routed, unchunk } from '../testing.ts';
import { type Coding, negotiate } from './negotiate.ts';

const all: readonly Coding[] = ['zstd', 'br', 'gzip'];

describe('negotiation', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['br;q=0.9 , gzip ; q=0.9', 'br'],
    ['deflate', undefined],
    ['*', 'zstd'],
    ['*;q=0', undefined],
    ['zstd;q=0, *;q=0.5', 'br'],
    ['identity', undefined],
    ['identity;q=0', undefined],
    ['identity;q=0, gzip', 'gzip'],
    ['identity, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip;q=2', undefined],
    ['gzip;q=', undefined],
    ['gzip;q=0.1234', undefined],
    ['gzip;level=9', 'gzip'],
    [',,gzip,,', 'gzip'],
  ])('of %j leads to %s', (accepted, expected) => {
    expect(negotiate(accepted, all)).toBe(expected);
  });

  it('never gives what a client did not accept, nor what is worse than something else it accepts', () => {
    const rated = fc.dictionary(
      fc.constantFrom('gzip', 'br', 'zstd', 'identity', '*', 'deflate'),
      fc.integer({ min: 0, max: 10 }),
    );
    fc.assert(
      fc.property(rated, fc.shuffledSubarray([...all], { minLength: 1 }), (ratings, ours) => {
        const header = Object.entries(ratings)
          .map(([name, q]) => `${name};q=${q / 10}`)
          .join(', ');
        const quality = (coding: string): number => ratings[coding] ?? ratings['*'] ?? 0;
        const chosen = negotiate(header, ours);
        if (chosen === undefined) {
          for (const coding of ours)
            expect(quality(coding) === 0 || quality(coding) < (ratings.identity ?? 0)).toBe(true);
        } else {
          expect(quality(chosen)).toBeGreaterThan(0);
          expect(quality(chosen)).toBeGreaterThanOrEqual(ratings.identity ?? 0);
          for (const coding of ours) expect(quality(chosen)).toBeGreaterThanOrEqual(quality(coding));
        }
      }),
    );
  });
});

const harness = new Harness();
let lab: FilterLab;
beforeEach(() => {
  lab = new FilterLab(harness);
});
afterEach(() => harness.close());

const policy: CompressionPolicy = {
  algorithms: ['zstd', 'br', 'gzip'],
  minBytes: 100,
  contentTypes: ['text/*', 'application/json'],
};
const filters: RouteFilter[] = [{ type: 'compression', ...policy }];
const page = 'All work and no play makes Jack a dull boy. '.repeat(200);

function pageWith(headers: Record<string, string>, status = 200, body: string | Buffer = page): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'text/html', 'Content-Length': Buffer.byteLength(body), ...headers });
    response.end(body);
  };
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
  zstd: (bytes) => zstdDecompressSync(bytes),
};

function decoded({ headers, body }: Answer): string {
  const decode = decoders[headers['content-encoding'] ?? ''];
  const bytes = Buffer.from(body, 'latin1');
  return (decode === undefined ? bytes : decode(bytes)).toString();
}

describe('a response', () => {
  it.each(['gzip', 'br', 'zstd'])('is compressed by %s, and says so', async (coding) => {
    const port = await lab.serve({ filters }, pageWith({ ETag: '"v1"', 'Accept-Ranges': 'bytes' }));
    const answer = await ask(port, 'GET /', `Accept-Encoding: ${coding}`);
    expect(answer.headers).toMatchObject({
      'content-encoding': coding,
      'transfer-encoding': 'chunked',
      vary: 'Accept-Encoding',
      etag: 'W/"v1"',
    });
    expect(answer.headers).not.toHaveProperty('content-length');
    expect(answer.headers).not.toHaveProperty('accept-ranges');
    expect(answer.body.length).toBeLessThan(page.length / 10);
    expect(decoded(answer)).toBe(page);
    expect(await lab.metrics()).toContain(
      `evenkeel_http_compression_bytes_total{coding="${coding}",direction="in"} ${page.length}`,
    );
  });

  it('is logged by the bytes that the client got', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'evenkeel-'));
    harness.after(() => rm(directory, { recursive: true }));
    const accessLog = join(directory, 'access.log');
    lab = new FilterLab(harness, { accessLog: accessLogTo(accessLog) });
    const port = await lab.serve({ filters }, pageWith({}));
    const { body } = await ask(port, 'GET /', 'Accept-Encoding: gzip');
    await ask(port);
    await eventually('two lines in the access log', async () => {
      const lines = (await readFile(accessLog, 'utf8')).trim().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { bytesOut: number }).bytesOut)).toEqual([
        body.length,
        page.length,
      ]);
    });
  });

  it.each<[string, RequestListener, boolean]>([
    ['without a type', (_request, response) => response.end(page), false],
    ['of another type', pageWith({ 'Content-Type': 'image/png' }), false],
    ['of a type with parameters', pageWith({ 'Content-Type': 'Application/JSON; charset=utf-8' }), true],
    ['that is short', pageWith({}, 200, 'short'), false],
    ['that is coded already', pageWith({ 'Content-Encoding': 'br' }), false],
    ['that must not be transformed', pageWith({ 'Cache-Control': 'public, no-transform' }), false],
    ['that is part of something', pageWith({ 'Content-Range': 'bytes 0-9/10' }, 206), false],
    ['whose bytes are signed for', pageWith({ 'Content-Digest': 'sha-256=:x:' }), false],
    ['that is an error page', pageWith({}, 500), true],
  ])('%s', async (_name, backend, compressed) => {
    const port = await lab.serve({ filters }, backend);
    const answer = await ask(port, 'GET /', 'Accept-Encoding: gzip');
    expect(answer.headers['content-encoding'] === 'gzip').toBe(compressed);
    expect(answer.headers.vary).toBe(compressed ? 'Accept-Encoding' : undefined);
  });

  it('says that it varies also to clients that get it as it is', async () => {
    const port = await lab.serve({ filters }, pageWith({ Vary: 'Cookie', ETag: '"v1"' }));
    const answer = await ask(port);
    expect(answer.headers).toMatchObject({
      vary: 'Cookie, Accept-Encoding',
      etag: '"v1"',
      'content-length': String(page.length),
    });
    expect(answer.body).toBe(page);
  });

  it('to HEAD has the headers of the one to GET', async () => {
    const port = await lab.serve({ filters }, pageWith({ ETag: '"v1"' }));
    const withoutDate = ({ lines }: Answer): string[] => lines.filter((line) => !line.startsWith('Date:'));
    const get = await ask(port, 'GET /', 'Accept-Encoding: br');
    const head = await ask(port, 'HEAD /', 'Accept-Encoding: br');
    expect(withoutDate(head)).toEqual(withoutDate(get));
    expect(head.body).toBe('');
  });

  it('304 has the tag of the page that the client keeps', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(304, { ETag: '"v1"' });
      response.end();
    });
    expect((await ask(port, 'GET /', 'Accept-Encoding: br')).headers).toMatchObject({
      etag: 'W/"v1"',
      vary: 'Accept-Encoding',
    });
    expect((await ask(port)).headers.etag).toBe('"v1"');
  });

  it('to a client of HTTP/1.0 stays as it is', async () => {
    const port = await lab.serve({ filters }, pageWith({}));
    const answer = read(await exchange(port, 'GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n'));
    expect(answer.headers).not.toHaveProperty('content-encoding');
    expect(answer.body).toBe(page);
  });

  it('keeps its trailers', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Sum' });
      response.write(page);
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
    const text = await exchange(
      port,
      'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n',
    );
    expect(text).toMatch(/\r\n0\r\nX-Sum: 42\r\n\r\n$/);
    expect(decoded(read(text))).toBe(page);
  });

  it('leaves the connection to the next request', async () => {
    const port = await lab.serve({ filters }, pageWith({}));
    const one = 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n';
    const text = await exchange(port, `${one}${one}${one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`);
    const answers = text.split(/(?=HTTP\/1\.1 200)/);
    expect(answers.map((one) => decoded(read(one)))).toEqual([page, page, page]);
  });

  it('that streams reaches the client as the backend speaks', async () => {
    let say: (text: string) => void = () => {};
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      say = (text) => response.write(text);
    });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    harness.after(async () => client.destroy());
    await client.until((text) => text.includes('\r\n\r\n'));
    let expected = '';
    for (const event of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
      say(event);
      expected += event;
      // What has come so far can be read: it ends at a flush.
      await client.until((text) => partOf(text) === expected);
    }
  });

  it('that is long passes in bounded memory, whole, at the pace of the client', async () => {
    const noise = randomBytes(256 * 1024).toString('base64');
    const times = 60;
    let written = 0;
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      const more = (): void => {
        while (written < times) {
          written++;
          if (!response.write(noise)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const client = new RawClient(port).send(
      'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n',
    );
    await client.until((text) => text.length > 1000);
    client.socket.pause();
    // The backend stops when nobody reads.
    let before = -1;
    await eventually('the backend to stop', () => {
      const now = written;
      const stopped = now === before;
      before = now;
      expect(stopped).toBe(true);
    });
    expect(written).toBeLessThan(times);
    client.socket.resume();
    const answer = read(await client.untilClosed());
    const sum = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(sum(decoded(answer))).toBe(sum(noise.repeat(times)));
  });

  it('is given up when its client leaves', async () => {
    const port = await lab.serve({ filters }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.write(page);
    });
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    await client.until((text) => text.includes('\r\n\r\n'));
    client.destroy();
    await eventually('the request to end', async () => {
      expect(await lab.metrics()).toContain('evenkeel_http_requests_in_flight 0');
    });
    expect(await lab.metrics()).toContain(`direction="in"} ${page.length}`);
  });

  it('that breaks off is not taken for whole', async () => {
    const backend = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', () =>
          socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99999\r\n\r\n${page}`),
        ),
      ),
    );
    const port = await lab.publish(routed([backend.port], { filters }));
    const text = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    expect(text).not.toContain('\r\n0\r\n\r\n');
  });

  it('that was buffered is compressed by its whole length', async () => {
    const both: RouteFilter[] = [...filters, { type: 'buffer_response', maxBytes: 100_000 }];
    const port = await lab.serve({ filters: both }, (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.write(request.url === '/long' ? page : 'short');
      response.end();
    });
    const long = await ask(port, 'GET /long', 'Accept-Encoding: gzip');
    expect(long.headers['content-encoding']).toBe('gzip');
    expect(decoded(long)).toBe(page);
    const short = await ask(port, 'GET /', 'Accept-Encoding: gzip');
    expect(short.headers).toMatchObject({ 'content-length': '5' });
    expect(short.headers).not.toHaveProperty('content-encoding');
  });

  it('of a cluster that repeats failed tries is that of the last one', async () => {
    let calls = 0;
    const port = await lab.serve({ filters, retry: { attempts: 1, on: ['5xx'] } }, (request, response) =>
      pageWith({}, ++calls === 1 ? 503 : 200)(request, response),
    );
    const answer = await ask(port, 'GET /', 'Accept-Encoding: gzip');
    expect([answer.status, decoded(answer)]).toEqual([200, page]);
  });
});

/** What a client can read of a gzip stream that has not ended. */
function partOf(text: string): string {
  const at = text.indexOf('\r\n\r\n');
  const bytes = Buffer.from(unchunk(text.slice(at + 4)), 'latin1');
  try {
    return gunzipSync(bytes, { finishFlush: 2 }).toString();
  } catch {
    return '';
  }
}
