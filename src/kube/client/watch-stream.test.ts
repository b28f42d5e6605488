// Decoding of a watch: the same events, however the bytes are cut.
// Pure: bytes in, events out.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WatchEvent } from './client.ts';
import { decodeWatch } from './watch-stream.ts';

async function* chunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...at, bytes.length]) {
    if (end > start) yield bytes.subarray(start, end);
    start = Math.max(start, end);
  }
}

async function decode(text: string, cuts: readonly number[] = []): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of decodeWatch(chunks(new TextEncoder().encode(text), cuts), 'pods')) events.push(event);
  return events;
}

const wire = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

describe('decodeWatch', () => {
  test('yields the same events wherever the bytes are cut, also inside a character', async () => {
    const objects = fc.array(
      fc.record({ metadata: fc.record({ name: fc.string({ unit: 'binary', maxLength: 8 }) }) }),
      {
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(objects, fc.array(fc.nat(), { maxLength: 20 }), async (all, cuts) => {
        const events = await decode(all.map((object) => wire('ADDED', object)).join('\n'), cuts);
        expect(events).toEqual(all.map((object) => ({ type: 'ADDED', object })));
      }),
    );
  });

  test('turns bookmarks into their version', async () => {
    const text = wire('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: '42' } });
    expect(await decode(text)).toEqual([{ type: 'BOOKMARK', resourceVersion: '42' }]);
  });

  test('throws the Status of an ERROR event', async () => {
    const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (5)' };
    await expect(decode(wire('ERROR', gone))).rejects.toMatchObject({
      code: 410,
      reason: 'Expired',
      message: gone.message,
    });
  });

  test.each([
    ['{"type":"ADDED","obj', 'was cut in the middle of an event'],
    ['<html>\n', 'sent a line that is not JSON: "<html>"'],
    ['{"type":"ADDED","object":null}\n', 'sent a line that is not an event'],
    ['{"type":"ADDED","object":{}}\n', 'sent an object without metadata.name'],
    ['{"type":"NEWS","object":{}}\n', 'sent an event of unknown type "NEWS"'],
  ])('refuses %j', async (text, message) => {
    await expect(decode(text)).rejects.toThrow(message);
  });
});
