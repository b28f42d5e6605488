// SPDY between two sessions of ours, bytes of the draft, and whatever hostile peers send.
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { constants, createDeflate } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adler32, dictionary } from './dictionary.ts';
import { controlFrame, dataHead, FLAG_FIN, FrameReader, types, words } from './frames.ts';
import { HeaderReader, HeaderWriter } from './header-block.ts';
import { SpdySession } from './session.ts';
import type { SpdyStream } from './spdy-stream.ts';

/** Two ends of one connection; each holds its writer back when nobody reads. */
function pair(): [Duplex, Duplex] {
  const [near, far] = duplexPair();
  for (const [end, other] of [
    [near, far],
    [far, near],
  ] as const) {
    end.on('error', () => {});
    end.once('close', () => setImmediate(() => other.destroy()));
  }
  return [near, far];
}

function sessions(onStream: (stream: SpdyStream) => string | undefined, maxStreams?: number) {
  const [near, far] = pair();
  const client = new SpdySession(near, { role: 'client' });
  const server = new SpdySession(far, {
    role: 'server',
    onStream,
    ...(maxStreams === undefined ? {} : { maxStreams }),
  });
  return { client, server, near, far };
}

const echo = (stream: SpdyStream): undefined => {
  stream.pipe(stream);
};

/** Frames of a peer that compresses as zlib does. */
class Compressor {
  readonly #deflate = createDeflate({ dictionary, flush: constants.Z_SYNC_FLUSH });

  async block(headers: Record<string, string>): Promise<Buffer> {
    const plain = Buffer.concat([
      words(Object.keys(headers).length),
      ...Object.entries(headers).flatMap(([name, value]) => [
        words(name.length),
        Buffer.from(name),
        words(value.length),
        Buffer.from(value),
      ]),
    ]);
    this.#deflate.write(plain);
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    return this.#deflate.read() as Buffer;
  }
}

describe('header blocks', () => {
  test('the dictionary is the one of the draft', () => {
    expect([dictionary.length, adler32(dictionary).toString(16)]).toEqual([1423, 'e3c6a7c2']);
  });

  test('what we write is read, block after block', async () => {
    const writer = new HeaderWriter();
    const reader = new HeaderReader();
    const blocks: Record<string, string>[] = [
      { streamtype: 'error' },
      {},
      { port: '80', requestid: 'ü'.repeat(10_000) },
    ];
    for (const headers of blocks) {
      expect(await reader.read(writer.write(headers))).toEqual(headers);
    }
  });

  test('every block ends with a flush, for decompressors that wait for one', () => {
    const writer = new HeaderWriter();
    const blocks: Record<string, string>[] = [{ a: 'b' }, {}];
    for (const headers of blocks) expect(writer.write(headers).toString('hex')).toMatch(/000000ffff$/);
  });

  test('what zlib compresses is read, names in lower case', async () => {
    const compressor = new Compressor();
    const reader = new HeaderReader();
    expect(await reader.read(await compressor.block({ Streamtype: 'stdin' }))).toEqual({ streamtype: 'stdin' });
    expect(await reader.read(await compressor.block({ streamType: 'stdout' }))).toEqual({ streamtype: 'stdout' });
  });

  test('a block that grows without end is refused', async () => {
    const block = await new Compressor().block({ a: 'x'.repeat(60_000), b: 'x'.repeat(60_000) });
    expect(block.length).toBeLessThan(1_000);
    await expect(new HeaderReader().read(block)).rejects.toThrow(/larger than 65536/);
  });
});

describe('FrameReader', () => {
  test('reads the same frames, however the bytes were cut', () => {
    const bytes = Buffer.concat([
      controlFrame(types.ping, 0, words(1)),
      dataHead(1, 5, true),
      Buffer.from('hello'),
      dataHead(3, 0, true),
      controlFrame(types.goAway, 0, words(3, 0)),
    ]);
    const read = (cuts: readonly number[]): unknown[] => {
      const reader = new FrameReader();
      const frames: unknown[] = [];
      const data = new Map<number, { text: string; fin: boolean }>();
      const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
      for (let index = 1; index < edges.length; index++) {
        for (const frame of reader.read(bytes.subarray(edges[index - 1], edges[index]))) {
          if (frame.kind === 'control') frames.push([frame.type, frame.payload.toString('hex')]);
          else {
            const sofar = data.get(frame.streamId)?.text ?? '';
            data.set(frame.streamId, { text: sofar + frame.data.toString(), fin: frame.fin });
          }
        }
      }
      return [...frames, ...data];
    };
    const whole = read([]);
    expect(whole).toContainEqual([1, { text: 'hello', fin: true }]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        expect(read(cuts)).toEqual(whole);
      }),
    );
  });
});

describe('SpdySession', () => {
  test('carries streams both ways, with half close', async () => {
    const { client } = sessions(echo);
    const streams = ['one', 'two', 'three'].map((name) => ({ name, stream: client.open({ name }) }));
    const answers = streams.map(({ stream }) => text(stream));
    for (const { name, stream } of streams) stream.end(name.repeat(100_000));
    expect(await Promise.all(answers)).toEqual(streams.map(({ name }) => name.repeat(100_000)));
    await client.close();
  });

  test('a reader that does not read holds the writer back', async () => {
    let taken: SpdyStream | undefined;
    const { client } = sessions((stream) => {
      taken = stream;
      return undefined;
    });
    const stream = client.open({});
    let delivered = 0;
    for (let index = 0; index < 100; index++) {
      stream.write(Buffer.alloc(64 * 1024), () => {
        delivered += 1;
      });
    }
    for (let turn = 0; turn < 500; turn++) await new Promise(setImmediate);
    expect(delivered).toBeLessThan(10);
    taken?.resume();
    stream.end();
    await once(taken as SpdyStream, 'end');
    expect(delivered).toBe(100);
    client.destroy();
  });

  test('a peer that counts gets what its window holds, and more when it says so', async () => {
    const [near, far] = pair();
    let answer: SpdyStream | undefined;
    new SpdySession(far, {
      role: 'server',
      onStream: (stream) => {
        answer = stream;
        return undefined;
      },
    });
    let received = 0;
    const reader = new FrameReader();
    near.on('data', (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) if (frame.kind === 'data') received += frame.data.length;
    });
    const settings = controlFrame(types.settings, 0, words(1, 7, 1_000));
    near.write(
      Buffer.concat([
        settings,
        controlFrame(types.synStream, 0, words(1, 0), Buffer.alloc(2), await new Compressor().block({})),
      ]),
    );
    const until = async (bytes: number): Promise<void> => {
      while (received < bytes) await once(near, 'data');
    };
    while (answer === undefined) await once(near, 'data');
    answer.write(Buffer.alloc(5_000));
    await until(1_000);
    near.write(controlFrame(types.windowUpdate, 0, words(1, 3_500)));
    await until(4_500);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(received).toBe(4_500);
    near.destroy();
  });

  test('more streams than agreed on are refused, and the others go on', async () => {
    const { client } = sessions(echo, 2);
    const [one, two, three] = [client.open({}), client.open({}), client.open({})];
    await once(three as SpdyStream, 'close');
    one?.end('still here');
    expect(await text(one as SpdyStream)).toBe('still here');
    two?.end();
    client.destroy();
  });

  test('a stream that is given up ends at the other side, and no other does', async () => {
    const taken: SpdyStream[] = [];
    const { client } = sessions((stream) => {
      taken.push(stream);
      return echo(stream);
    });
    const [lost, kept] = [client.open({}), client.open({})];
    lost.write('x');
    await once(lost, 'data');
    lost.destroy();
    await once(taken[0] as SpdyStream, 'close');
    kept.end('kept');
    expect(await text(kept)).toBe('kept');
    client.destroy();
  });

  test('the end of the connection ends every stream', async () => {
    const { client, server, near } = sessions(echo);
    const stream = client.open({});
    stream.write('x');
    await once(stream, 'data');
    near.destroy();
    await Promise.all([client.closed, server.closed, stream.closed ? undefined : once(stream, 'close')]);
    expect(stream.destroyed).toBe(true);
  });

  test.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(10))],
    ['another version', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])],
    ['a control frame without end', Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
    ['headers that are not compressed', controlFrame(types.synStream, 0, words(1, 0), Buffer.from('\0\0streamtype'))],
    ['a ping of two bytes', controlFrame(types.ping, 0, Buffer.alloc(2))],
    ['settings that are not there', controlFrame(types.settings, 0, words(1_000))],
    ['data for nobody', Buffer.concat([dataHead(77, 1, true), Buffer.from('x')])],
  ])('%s ends the session with a reason', async (_what, bytes) => {
    const [near, far] = pair();
    const server = new SpdySession(far, { role: 'server', onStream: echo });
    near.resume();
    near.write(bytes);
    near.end();
    expect(String((await server.closed)?.message)).not.toBe('');
    expect(far.destroyed || far.writableEnded).toBe(true);
  });

  test('whatever bytes come, the session ends with its connection and nothing is thrown', async () => {
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.nat(12), fc.nat(3), fc.uint8Array({ maxLength: 64 }))
        .map(([type, flags, bytes]) => controlFrame(type, flags, Buffer.from(bytes))),
      fc
        .tuple(fc.constantFrom(types.synStream, types.headers, types.synReply), fc.nat(9), fc.string())
        .map(([type, id, value]) =>
          controlFrame(
            type,
            FLAG_FIN,
            words(id, 0),
            Buffer.alloc(type === types.synStream ? 2 : 0),
            new HeaderWriter().write({ value }),
          ),
        ),
      fc
        .tuple(fc.nat(9), fc.uint8Array({ maxLength: 9 }))
        .map(([id, bytes]) => Buffer.concat([dataHead(id, bytes.length, false), bytes])),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
        const [near, far] = pair();
        const server = new SpdySession(far, { role: 'server', onStream: echo });
        near.resume();
        for (const bytes of frames) near.write(bytes);
        near.end();
        setImmediate(() => near.destroy());
        await server.closed;
      }),
      { numRuns: 300 },
    );
  });
});
