// Tests of long bodies through the engine, with peers that read fast, slowly, and in fits.
// Every byte says where it belongs, so that memory that is used again too early shows.

import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Harness, portOf } from '../testing/harness.ts';
import { simpleModel } from '../testing/model.ts';
import { httpBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

/** Each word differs from every other one, and from those of other bodies at the same place. */
function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeInt32LE(Math.imul(at + seed, 2_654_435_761), at);
  return bytes;
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads to the end; with `pauses` it stops reading now and then, for a turn of the event loop or a few. */
function read(message: IncomingMessage, pauses: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    let pieces = 0;
    message.on('data', (piece: Buffer) => {
      hash.update(piece);
      if (pauses === 0 || ++pieces % pauses !== 0) return;
      message.pause();
      setTimeout(() => message.resume(), pieces % 3);
    });
    message.on('end', () => resolve(hash.digest('hex')));
    message.on('error', reject);
  });
}

const MB = 1024 * 1024;
const sizes = [200_000, 3 * MB + 17, 8 * MB];
const paces = [0, 1, 7];

describe('long bodies', () => {
  it.each([
    ['with a length', false],
    ['in chunks', true],
  ])('reach clients of every pace as they were, %s', async (_, chunked) => {
    const bodies = sizes.map((size, i) => pattern(size, i + 1));
    const web = await harness.backend(
      httpBackend((request, response) => {
        const body = bodies[Number(request.url?.slice(1))] as Buffer;
        if (chunked) response.write(body.subarray(0, 1000));
        else response.setHeader('content-length', body.length);
        response.end(chunked ? body.subarray(1000) : body);
      }),
    );
    const engine = await harness.engine();
    engine.publish(simpleModel([web.port]));
    await engine.ready();
    const port = portOf(engine);
    const got = await Promise.all(
      bodies.flatMap((_body, i) =>
        paces.map(
          (pace) =>
            new Promise<string>((resolve, reject) => {
              httpRequest({ port, path: `/${i}` }, (response) => resolve(read(response, pace)))
                .on('error', reject)
                .end();
            }),
        ),
      ),
    );
    expect(got).toEqual(bodies.flatMap((body) => paces.map(() => digest(body))));
  });

  it.each([
    ['with a length', false],
    ['in chunks', true],
  ])('reach backends of every pace as they were, %s', async (_, chunked) => {
    const web = await harness.backend(
      httpBackend((request, response) => {
        void read(request, Number(request.url?.slice(1))).then((sum) => response.end(sum));
      }),
    );
    const engine = await harness.engine();
    engine.publish(simpleModel([web.port]));
    await engine.ready();
    const port = portOf(engine);
    const bodies = sizes.map((size, i) => pattern(size, i + 11));
    const got = await Promise.all(
      bodies.flatMap((body) =>
        paces.map(
          (pace) =>
            new Promise<string>((resolve, reject) => {
              const headers = chunked ? {} : { 'content-length': body.length };
              const request = httpRequest({ port, path: `/${pace}`, method: 'POST', headers }, (response) => {
                let text = '';
                response.setEncoding('latin1').on('data', (piece: string) => {
                  text += piece;
                });
                response.on('end', () => resolve(text));
              });
              request.on('error', reject);
              request.end(body);
            }),
        ),
      ),
    );
    expect(got).toEqual(bodies.flatMap((body) => paces.map(() => digest(body))));
  });
});
