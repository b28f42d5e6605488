// Frames come out whole, however the transport cuts them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader, type FrameStream } from './frames.ts';

function frame(stream: FrameStream, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream === 'stdout' ? 1 : 2;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

test('each stream gets its bytes in order', () => {
  const frames = fc.array(
    fc.record({
      stream: fc.constantFrom<FrameStream>('stdout', 'stderr'),
      payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    }),
  );
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 17 }), (sent, cut) => {
      const got: Record<FrameStream, Buffer[]> = { stdout: [], stderr: [] };
      const reader = new FrameReader((stream, payload) => got[stream].push(Buffer.from(payload)));
      const bytes = Buffer.concat(sent.map(({ stream, payload }) => frame(stream, payload)));
      for (let at = 0; at < bytes.length; at += cut) reader.push(bytes.subarray(at, at + cut));
      for (const stream of ['stdout', 'stderr'] as const) {
        const expected = sent.filter((one) => one.stream === stream).map(({ payload }) => payload);
        expect(Buffer.concat(got[stream])).toEqual(Buffer.concat(expected));
      }
    }),
  );
});

test('any bytes at all are taken without a fuss', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), (chunks) => {
      const reader = new FrameReader(() => {});
      for (const chunk of chunks) reader.push(Buffer.from(chunk));
    }),
  );
});
