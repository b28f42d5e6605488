// The corpus of frames through an engine: answered the same wherever the bytes are cut.
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { Harness, portOf } from '../testing/harness.ts';
import { FramePeer } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { httpBackend } from '../testing/peers.ts';
import * as f from './frames.ts';

const folder = new URL('./corpus/', import.meta.url);
const corpus = readdirSync(folder)
  .filter((name) => name.endsWith('.h2'))
  .sort()
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'latin1') }));

const harness = new Harness();
afterEach(() => harness.close());

/** How many streams the client's bytes open. */
function streamsIn(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  const ids = new Set<number>();
  for (let pos = f.PREFACE.length; pos < bytes.length; pos += f.FRAME_HEAD + bytes.readUIntBE(pos, 3))
    if (bytes[pos + 3] === f.HEADERS) ids.add(bytes.readUInt32BE(pos + 5));
  return ids.size;
}

/** Sends the pieces, each in an event of its own; what each stream, and the connection, came to. */
async function outcome(port: number, pieces: readonly string[]): Promise<string> {
  const peer = new FramePeer(connect({ port, host: '127.0.0.1', noDelay: true }));
  for (const piece of pieces) {
    peer.send(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const opened = streamsIn(pieces.join(''));
  const ends = (): string[] =>
    peer.frames
      .filter(({ type, flags }) => type === f.RST_STREAM || (type <= f.HEADERS && (flags & f.END_STREAM) !== 0))
      .map(
        ({ id, type, payload }) => `${id} ${type === f.RST_STREAM ? `reset ${payload.readUInt32BE(0)}` : 'answered'}`,
      );
  await peer.until(() => peer.goaway !== undefined || ends().length >= opened).catch(() => {});
  peer.destroy();
  const goaway = peer.goaway === undefined ? '' : `, goaway ${peer.goaway}`;
  return ends().sort().join(', ') + goaway;
}

it('is answered the same wherever the bytes are cut', async () => {
  const web = await harness.backend(
    httpBackend((request, response) => {
      request.resume();
      request.on('end', () => response.end('ok'));
    }),
  );
  const engine = await harness.engine();
  engine.publish(simpleModel([web.port]));
  await engine.applied();
  // What is given up, and what ends with GOAWAY, depends on who is faster.
  const steady = corpus.filter(({ name }) => !['reset.h2', 'ping-goaway.h2'].includes(name));
  const seen: Record<string, string> = {};
  for (const { name, text } of steady) {
    const whole = await outcome(portOf(engine), [text]);
    seen[name] = whole;
    for (let cuts = 0; cuts < 3; cuts++) {
      const places = fc.sample(fc.array(fc.nat(text.length), { minLength: 1, maxLength: 5 }), 1)[0] ?? [];
      const from = [0, ...places.sort((a, b) => a - b)];
      const pieces = from.map((start, i) => text.slice(start, from[i + 1] ?? text.length));
      expect(await outcome(portOf(engine), pieces), `${name} cut at ${places}`).toBe(whole);
    }
  }
  expect(seen).toMatchInlineSnapshot(`
    {
      "connect.h2": "1 answered",
      "continuation.h2": "1 answered",
      "get.h2": "1 answered",
      "huffman.h2": "1 answered",
      "indexed.h2": "1 answered, 3 answered",
      "malformed.h2": "1 reset 1, 3 reset 1, 5 answered",
      "padded.h2": "1 answered",
      "post-pieces.h2": "1 answered",
      "post.h2": "1 answered",
      "priority.h2": "1 answered",
      "streams.h2": "1 answered, 3 answered, 5 answered, 7 answered, 9 answered",
      "trailers.h2": "1 answered",
      "windows.h2": "1 answered",
    }
  `);
});
