// A slow reader on one side pauses the sender on the other: 50 MB pass through while next to nothing waits inside.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { Http2Client, http2Backend } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { httpBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const MB = 1024 * 1024;
const TOTAL = 50 * MB;
/** What may be under way while nobody reads: kernel buffers of two connections, windows, and the sender's own queue. */
const UNDER_WAY = 25 * MB;

type Protocol = 'http1' | 'http2';
const pairs: [Protocol, Protocol][] = [
  ['http1', 'http1'],
  ['http1', 'http2'],
  ['http2', 'http1'],
  ['http2', 'http2'],
];

/** Writes `TOTAL` bytes as fast as they are taken; counts what it got rid of. */
class Source {
  sent = 0;
  run(to: Writable): void {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const pump = (): void => {
      while (this.sent < TOTAL) {
        this.sent += piece.length;
        if (!to.write(piece)) return;
      }
      to.off('drain', pump);
      to.end();
    };
    to.on('drain', pump);
    pump();
  }
}

/** Reads nothing until told to, then everything. */
async function drain(from: Readable): Promise<number> {
  let got = 0;
  for await (const piece of from) got += (piece as Buffer).length;
  return got;
}

/** Resolves once `source` has come to a stand. */
async function stalled(source: Source): Promise<void> {
  let before = -1;
  await eventually('the sender stands', () => {
    const now = source.sent;
    const same = now === before && now > 0;
    before = now;
    expect(same).toBe(true);
  });
}

async function backend(protocol: Protocol, handler: (request: Readable, response: Writable) => void): Promise<number> {
  if (protocol === 'http1') {
    const started = await harness.backend(httpBackend((request, response) => handler(request, response)));
    return started.port;
  }
  const started = await http2Backend((stream: ServerHttp2Stream) => {
    // Node.js resets a stream whose request nobody reads, even with part of its response still to be sent.
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    handler(stream, stream);
  });
  harness.after(() => started.close());
  return started.port;
}

/** A request that sends what is written to it, and its response. */
function open(protocol: Protocol, port: number): { request: Writable; response: Promise<Readable> } {
  if (protocol === 'http1') {
    const request = httpRequest({ port, host: '127.0.0.1', method: 'POST' });
    request.on('error', () => {});
    return { request, response: once(request, 'response').then(([response]) => response as IncomingMessage) };
  }
  const client = new Http2Client(`http://127.0.0.1:${port}`);
  harness.after(() => client.close());
  const stream: ClientHttp2Stream = client.session.request({ ':method': 'POST', ':path': '/' });
  stream.on('error', () => {});
  return { request: stream, response: once(stream, 'response').then(() => stream) };
}

async function gateway(port: number, upstreamProtocol: Protocol): Promise<number> {
  const engine = await harness.engine();
  engine.publish(simpleModel([port], { upstreamProtocol, timeouts: { connect: 2000, response: 0, idle: 0 } }));
  await engine.applied();
  return portOf(engine);
}

describe.each(pairs)('from %s to %s', (down, up) => {
  it('a client that does not read stops the backend', async () => {
    const source = new Source();
    const port = await backend(up, (request, response) => {
      request.resume();
      source.run(response);
    });
    const { request, response } = open(down, await gateway(port, up));
    request.end();
    const reading = await response;
    await stalled(source);
    expect(source.sent).toBeLessThan(UNDER_WAY);
    expect(await drain(reading)).toBe(TOTAL);
  });

  it('a backend that does not read stops the client', async () => {
    const source = new Source();
    let received: Promise<number> | undefined;
    let read: (() => void) | undefined;
    const port = await backend(up, (request, response) => {
      read = () => {
        received = drain(request);
        void received.then(() => response.end('done'));
      };
    });
    const { request, response } = open(down, await gateway(port, up));
    source.run(request);
    await eventually('the request has arrived', () => expect(read).toBeDefined());
    await stalled(source);
    expect(source.sent).toBeLessThan(UNDER_WAY);
    read?.();
    const answer = await response;
    expect(await drain(answer)).toBe(4);
    expect(await received).toBe(TOTAL);
  });
});
