// Frames come out the same wherever the bytes are cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { DATA, END_STREAM, frameHead, HEADERS, MAX_FRAME, PADDED } from './frames.ts';

class Recorder implements FrameSink {
  readonly seen: string[] = [];
  #payload = '';

  dataBegin(id: number, _flags: number, length: number): boolean {
    this.seen.push(`begin ${id} ${length}`);
    return true;
  }

  dataBytes(_id: number, bytes: Buffer, start: number, end: number): void {
    this.#payload += bytes.toString('latin1', start, end);
  }

  dataEnd(id: number, flags: number): void {
    this.seen.push(`end ${id} ${flags} ${this.#payload}`);
    this.#payload = '';
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    this.seen.push(`frame ${type} ${flags} ${id} ${bytes.toString('latin1', start, end)}`);
  }

  badLength(padding: boolean): void {
    this.seen.push(`bad ${padding}`);
  }
}

function read(text: string, cuts: readonly number[] = []): readonly string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder);
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  for (let i = 1; i < places.length; i++) {
    // Each read ends up in the same memory, as it does in a worker.
    const piece = Buffer.from(text.slice(places[i - 1], places[i]), 'latin1');
    reader.read(piece, 0, piece.length);
    piece.fill(0);
  }
  return recorder.seen;
}

const data = (payload: string, padding?: number): string =>
  padding === undefined
    ? frameHead(payload.length, DATA, END_STREAM, 1) + payload
    : frameHead(payload.length + 1 + padding, DATA, PADDED, 1) +
      String.fromCharCode(padding) +
      payload +
      '\0'.repeat(padding);

describe('frames', () => {
  it('are cut out of the bytes, and their padding off', () => {
    expect(read(`${frameHead(3, HEADERS, 4, 5)}abc${data('')}${data('xyz')}${data('pad', 2)}${data('', 0)}`)).toEqual([
      'frame 1 4 5 abc',
      'begin 1 0',
      'end 1 1 ',
      'begin 1 3',
      'end 1 1 xyz',
      'begin 1 6',
      'end 1 8 pad',
      'begin 1 1',
      'end 1 8 ',
    ]);
  });

  it('come out the same wherever the bytes are cut', () => {
    const frame = fc.oneof(
      fc.tuple(fc.constantFrom(1, 3, 4, 6, 8, 99), fc.string({ maxLength: 30 })).map(([type, text]) => {
        const payload = Buffer.from(text).toString('latin1');
        return frameHead(payload.length, type, 0, 7) + payload;
      }),
      fc.string({ unit: fc.constantFrom('a', 'b', '\0'), maxLength: 30 }).map((text) => data(text)),
      fc
        .tuple(fc.string({ unit: fc.constantFrom('a', '\0'), maxLength: 9 }), fc.nat(9))
        .map(([text, pad]) => data(text, pad)),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
        const text = frames.join('');
        expect(read(text, cuts)).toEqual(read(text));
      }),
    );
  });

  it('are refused when they are too long, or their padding is', () => {
    for (const cuts of [[], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]) {
      expect(read(frameHead(MAX_FRAME + 1, DATA, 0, 1), cuts)).toEqual(['bad false']);
      expect(read(frameHead(MAX_FRAME + 1, HEADERS, 0, 1), cuts)).toEqual(['bad false']);
      expect(read(frameHead(0, DATA, PADDED, 1), cuts)).toEqual(['bad true']);
      expect(read(`${frameHead(2, DATA, PADDED, 1)}\x02x`, cuts)).toEqual(['begin 1 2', 'bad true']);
    }
  });
});
