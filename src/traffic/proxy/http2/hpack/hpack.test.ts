// HPACK against the examples of RFC 7541 (appendix C), against itself, and against what no encoder may send.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { encodeField, encodeInteger, encodeLines } from './encode.ts';
import { decodeHuffman } from './huffman.ts';

function decode(decoder: HpackDecoder, bytes: Buffer): [string, string][] | undefined {
  const fields: [string, string][] = [];
  const read = decoder.decode(bytes, 0, bytes.length, { field: ({ name, value }) => fields.push([name, value]) });
  return read ? fields : undefined;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('the examples', () => {
  it('reads three requests with Huffman codes on one connection (C.4)', () => {
    const decoder = new HpackDecoder();
    const common: [string, string][] = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ];
    expect(decode(decoder, hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))).toEqual(common);
    expect(decode(decoder, hex('8286 84be 5886 a8eb 1064 9cbf'))).toEqual([...common, ['cache-control', 'no-cache']]);
    expect(decode(decoder, hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'))).toEqual([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ]);
  });

  it('evicts what a small table cannot hold (C.6)', () => {
    const decoder = new HpackDecoder(256);
    expect(
      decode(
        decoder,
        hex(`4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d
             29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`),
      ),
    ).toEqual([
      [':status', '302'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
      ['location', 'https://www.example.com'],
    ]);
    expect(decode(decoder, hex('4883 640e ffc1 c0bf'))).toEqual([
      [':status', '307'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
      ['location', 'https://www.example.com'],
    ]);
    expect(
      decode(
        decoder,
        hex(`88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
             e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`),
      ),
    ).toEqual([
      [':status', '200'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
      ['location', 'https://www.example.com'],
      ['content-encoding', 'gzip'],
      ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
    ]);
  });
});

describe('what is written', () => {
  it('is read back the same', () => {
    const name = fc.stringMatching(/^[a-z0-9-]{1,40}$/);
    const value = fc.stringMatching(/^[ -~\x80-\xff]{0,200}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), (fields) => {
        const text = fields.map(([key, text]) => encodeField(key, text)).join('');
        expect(decode(new HpackDecoder(), latin1(text))).toEqual(fields);
      }),
    );
  });

  it('turns header lines into lower-case fields without white space around them', () => {
    const lines = 'X-A:1\r\nSet-Cookie: \t a=b \r\n';
    expect(decode(new HpackDecoder(), latin1(encodeLines(lines, 0, lines.length)))).toEqual([
      ['x-a', '1'],
      ['set-cookie', 'a=b'],
    ]);
  });
});

describe('a block is refused', () => {
  it.each([
    ['index 0', hex('80')],
    ['an index beyond both tables', hex('bf')],
    ['a name beyond both tables', hex('7f00 00')],
    ['an integer without end', hex('ffff ffff ffff ffff ff')],
    ['an integer beyond 2^28', hex('ffff ffff ffff 01')],
    ['a string longer than the block', hex('0003 6161')],
    ['a value that is missing', hex('0001 61')],
    ['a table size beyond what was announced', latin1(encodeInteger(4097, 5, 0x20))],
    ['a table size behind a field', hex('8220')],
    ['padding of a Huffman code that is not all ones', hex('0001 6181 18')],
    ['padding of more than seven bits', hex('0001 6182 1fff')],
    ['the end of string in a Huffman code', hex('0001 6184 3fff ffff')],
  ])('with %s', (_what, bytes) => {
    expect(decode(new HpackDecoder(), bytes)).toBeUndefined();
  });

  it('at every place where it is cut off, or reads on as another one', () => {
    const whole = latin1(encodeField('x-name', 'value') + encodeField('content-type', 'text/plain'));
    for (let cut = 1; cut < whole.length; cut++) {
      const got = decode(new HpackDecoder(), whole.subarray(0, cut));
      if (got !== undefined) expect(got).toEqual([['x-name', 'value']]);
    }
  });

  it('or read, but never a reason to throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const decoder = new HpackDecoder();
        decode(decoder, Buffer.from(bytes));
        decode(decoder, Buffer.from(bytes));
        decodeHuffman(Buffer.from(bytes), 0, bytes.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('single fields', () => {
  const kindOf = (name: string, value: string): number => {
    let kind = -1;
    const bytes = latin1(`\0${encodeInteger(name.length, 7, 0)}${name}${encodeInteger(value.length, 7, 0)}${value}`);
    new HpackDecoder().decode(bytes, 0, bytes.length, {
      field: (field) => {
        kind = field.kind;
      },
    });
    return kind;
  };

  it.each([
    ['X-A', '1'],
    ['x a', '1'],
    ['x:a', '1'],
    ['', '1'],
    ['x-\x80', '1'],
    [':unknown', '1'],
    [':Path', '/'],
    ['x-a', 'a\r\nb'],
    ['x-a', 'a\nb'],
    ['x-a', 'a\rb'],
    ['x-a', 'a\0b'],
    ['x-a', ' a'],
    ['x-a', 'a\t'],
    ['connection', 'close'],
    ['keep-alive', 'timeout=5'],
    ['proxy-connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'websocket'],
  ])('%j: %j is malformed', (name, value) => {
    expect(kindOf(name, value)).toBe(60);
  });

  it.each([
    ['x-a', 'a b\tc\xff'],
    ['x-a', ''],
    ['te', 'trailers'],
  ])('%j: %j is not', (name, value) => {
    expect(kindOf(name, value)).not.toBe(60);
  });
});
