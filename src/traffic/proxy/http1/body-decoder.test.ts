// Bodies, however the bytes are cut: the payload is the same, and broken framing is found.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyDecoder, type Framing } from './body-decoder.ts';

interface Result {
  readonly payload: string;
  readonly trailers: string;
  readonly done: boolean;
  readonly failed: string;
  /** Bytes left behind the body. */
  readonly rest: number;
}

function decode(pieces: readonly Buffer[], framing: Framing, length = 0): Result {
  const decoder = new BodyDecoder();
  decoder.begin(framing, length);
  let payload = '';
  let rest = 0;
  for (const piece of pieces) {
    let pos = 0;
    while (pos < piece.length && !decoder.done && decoder.failed === '') {
      pos = decoder.next(piece, pos, piece.length);
      payload += piece.toString('latin1', decoder.dataStart, decoder.dataEnd);
    }
    rest += piece.length - pos;
  }
  return { payload, trailers: decoder.trailers, done: decoder.done, failed: decoder.failed, rest };
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    pieces.push(bytes.subarray(from, place));
    from = place;
  }
  return pieces;
}

const chunked = (text: string): Result => decode([Buffer.from(text, 'latin1')], 'chunked');

describe('BodyDecoder', () => {
  it('reads chunks, extensions and trailers, and leaves what follows', () => {
    expect(chunked('3;a=b;c="d"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nGET')).toEqual({
      payload: 'abc0123456789',
      trailers: 'X-Sum: 1\r\n',
      done: true,
      failed: '',
      rest: 3,
    });
  });

  it('drops trailers that would route', () => {
    expect(chunked('0\r\nHost: b\r\nX-Ok: 1\r\ntransfer_encoding: x\r\n\r\n').trailers).toBe('X-Ok: 1\r\n');
  });

  it.each([
    ['no size', '\r\nabc\r\n'],
    ['a sign', '+3\r\nabc\r\n'],
    ['a minus', '-3\r\nabc\r\n'],
    ['a prefix', '0x3\r\nabc\r\n'],
    ['an underscore', '1_0\r\n'],
    ['a space before the size', ' 3\r\nabc\r\n'],
    ['a space behind the size', '3 \r\nabc\r\n'],
    ['a word as size', 'g\r\n'],
    ['an overflow', 'FFFFFFFFFFFFFFFFF\r\n'],
    ['a bare LF behind the size', '3\nabc\r\n'],
    ['a bare CR behind the size', '3\rabc\r\n'],
    ['a bare CR in an extension', '3;a\rb\r\nabc\r\n'],
    ['a bare LF in an extension', '3;a\nb\r\nabc\r\n'],
    ['a NUL in an extension', '3;a\0\r\nabc\r\n'],
    ['a chunk that is too long', '3\r\nabcd\r\n'],
    ['a bare LF behind the data', '3\r\nabc\n'],
    ['a bare CR behind the data', '3\r\nabc\r0'],
    ['a trailer without colon', '0\r\nnope\r\n\r\n'],
    ['a trailer with a space before the colon', '0\r\nX : y\r\n\r\n'],
    ['a folded trailer', '0\r\n x: y\r\n\r\n'],
    ['a length as trailer', '0\r\nContent-Length: 5\r\n\r\n'],
    ['a coding as trailer', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a bare LF at the end', '0\r\n\n'],
    ['a bare CR at the end', '0\r\n\rX'],
    ['endless extensions', `3;${'a'.repeat(20_000)}`],
    ['endless trailers', `0\r\nX: ${'a'.repeat(20_000)}`],
  ])('refuses %s', (_name, text) => {
    expect(chunked(text).failed).not.toBe('');
  });

  it('gives the same payload wherever the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 }),
        fc.array(fc.nat(500), { maxLength: 12 }),
        fc.boolean(),
        (chunks, places, trailer) => {
          const parts = chunks.flatMap((chunk) => [
            Buffer.from(`${chunk.length.toString(16)};x\r\n`),
            Buffer.from(chunk),
            Buffer.from('\r\n'),
          ]);
          const wire = Buffer.concat([...parts, Buffer.from(trailer ? '0\r\nX-T: v\r\n\r\n' : '0\r\n\r\n')]);
          const result = decode(cut(wire, places), 'chunked');
          expect(result).toEqual({
            payload: Buffer.concat(chunks).toString('latin1'),
            trailers: trailer ? 'X-T: v\r\n' : '',
            done: true,
            failed: '',
            rest: 0,
          });
        },
      ),
    );
  });

  it('judges any bytes the same wherever they are cut', () => {
    const grammar = fc.array(
      fc.constantFrom(
        '0',
        '1',
        '3',
        'a',
        'F',
        ';',
        'x',
        '=',
        '\r',
        '\n',
        '\r\n',
        '0\r\n',
        '0\r\n\r\n',
        ' ',
        ':',
        '\0',
        '3\r\nabc\r\n',
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(grammar, fc.array(fc.nat(80), { maxLength: 10 }), (words, places) => {
        const wire = Buffer.from(words.join(''), 'latin1');
        const whole = decode([wire], 'chunked');
        const pieces = decode(cut(wire, places), 'chunked');
        expect([pieces.failed, pieces.done, pieces.payload]).toEqual([whole.failed, whole.done, whole.payload]);
      }),
      { numRuns: 500 },
    );
  });

  it('takes exactly the announced length', () => {
    expect(decode([Buffer.from('abc'), Buffer.from('defg')], 'length', 5)).toMatchObject({
      payload: 'abcde',
      done: true,
      rest: 2,
    });
    expect(decode([Buffer.from('abc')], 'length', 5).done).toBe(false);
  });
});
