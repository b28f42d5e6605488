// What kubectl 1.35 sent for `create deployment`, `create ingress` and `create secret`, beside what it prints as JSON.
// The captures are requests to our own server; `kubectl create ... --dry-run=client -o json` made the other halves.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../status.ts';
import { decodeProtobuf, encodeProtobuf } from './index.ts';

describe.each(['deployment', 'ingress', 'secret'])('a captured %s', (name) => {
  const bytes = readFileSync(new URL(`./testdata/${name}.bin`, import.meta.url));
  const printed: unknown = JSON.parse(readFileSync(new URL(`./testdata/${name}.json`, import.meta.url), 'utf8'));

  it('decodes to what kubectl prints', () => {
    expect(decodeProtobuf(bytes)).toEqual(printed);
  });

  it('is the same after it was written by us', () => {
    expect(decodeProtobuf(encodeProtobuf(decodeProtobuf(bytes)))).toEqual(printed);
  });

  it('is refused with a 400 wherever it is cut off, or still reads', () => {
    for (let end = 0; end < bytes.length; end += 1) {
      try {
        decodeProtobuf(bytes.subarray(0, end));
      } catch (error) {
        // 415: the cut took the kind away.
        expect(error).toMatchObject({
          name: 'StatusError',
          reason: expect.stringMatching(/^(BadRequest|UnsupportedMediaType)$/),
        });
      }
    }
  });

  it('fails with a Status only, whichever bytes are changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, (edits) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of edits) changed[at] = byte;
        try {
          expect(decodeProtobuf(changed)).toHaveProperty('kind');
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
