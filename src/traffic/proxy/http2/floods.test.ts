// What a client may make the gateway do for nothing: each flood ends its own connection, is counted, and harms nobody else.
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import {
  block,
  dataFrame,
  type FramePeer,
  frameClient,
  getFields,
  getFrame,
  Http2Client,
  postFrame,
} from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { type Backend, httpBackend } from '../testing/peers.ts';
import * as f from './frames.ts';
import { encodeField, encodeInteger } from './hpack/encode.ts';

const harness = new Harness();
afterEach(() => harness.close());

async function gateway(backend?: Promise<Backend>): Promise<Engine> {
  const web = await harness.backend(backend ?? httpBackend((_request, response) => response.end('ok')));
  const engine = await harness.engine();
  engine.publish(simpleModel([web.port]));
  await engine.applied();
  return engine;
}

function attacker(engine: Engine, settings: readonly (readonly [number, number])[] = []): FramePeer {
  const peer = frameClient(portOf(engine), settings);
  harness.after(async () => peer.destroy());
  return peer;
}

const idsOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i * 2 + 1);
const repeat = (count: number, frame: (id: number) => string): string => idsOf(count).map(frame).join('');

/** Sends the flood beside a well-behaved client, which must not notice. */
async function expectCalm(engine: Engine, flood: string, fault: string): Promise<void> {
  const peer = attacker(engine);
  const other = new Http2Client(`http://127.0.0.1:${portOf(engine)}`);
  harness.after(() => other.close());
  peer.send(flood);
  await peer.untilClosed();
  expect(peer.goaway).toBe(f.ENHANCE_YOUR_CALM);
  expect(await engine.metricsText()).toContain(`evenkeel_http2_faults_total{listener="http",fault="${fault}"} 1`);
  expect((await other.request({ ':path': '/' })).status).toBe(200);
}

describe('floods end with GOAWAY (ENHANCE_YOUR_CALM)', () => {
  it('requests that are given up at once (CVE-2023-44487)', async () => {
    let slow = 0;
    const engine = await gateway(
      httpBackend((request, response) => {
        if (request.url === '/') response.end('ok');
        else slow++;
      }),
    );
    const ask = block(...getFields.slice(0, 3), [':path', '/slow']);
    const flood = repeat(3000, (id) => f.headersFrames(id, ask, true) + f.resetFrame(id, f.CANCEL));
    await expectCalm(engine, flood, 'reset_flood');
    expect(slow).toBeLessThan(1000);
  });

  it.each([
    ['a window update of nothing', (id: number) => postFrame(id) + f.windowFrame(id, 0)],
    ['a window beyond 2^31', (id: number) => postFrame(id) + f.windowFrame(id, f.MAX_WINDOW)],
    [
      'a body longer than announced',
      (id: number) => postFrame(id, ['content-length', '1']) + dataFrame(id, 'xx', true),
    ],
    ['a malformed head', (id: number) => getFrame(id, ['connection', 'close'])],
  ])('requests that make the gateway reset them: %s (CVE-2025-8671)', async (_how, frame) => {
    await expectCalm(await gateway(), repeat(3000, frame), 'reset_flood');
  });

  it('more streams than may be open', async () => {
    const engine = await gateway(httpBackend(() => {}));
    const peer = attacker(engine).send(repeat(101, (id) => getFrame(id)));
    const refused = await peer.until(({ type }) => type === f.RST_STREAM);
    expect([refused.id, refused.payload.readUInt32BE(0)]).toEqual([201, f.REFUSED_STREAM]);
    peer.send(
      idsOf(3000)
        .map((id) => getFrame(id + 202))
        .join(''),
    );
    await peer.untilClosed();
    expect(peer.goaway).toBe(f.ENHANCE_YOUR_CALM);
  });

  it.each([
    ['PING', f.pingFrame('12345678', false)],
    ['SETTINGS', f.settingsFrame([])],
    ['PRIORITY', `${f.frameHead(5, f.PRIORITY, 0, 1)}\0\0\0\0\0`],
    ['frames of an unknown type', f.frameHead(0, 99, 0, 0)],
    ['WINDOW_UPDATE', f.windowFrame(0, 1)],
  ])('%s', async (_what, frame) => {
    await expectCalm(await gateway(), frame.repeat(5000), 'control_flood');
  });

  it('DATA without data', async () => {
    await expectCalm(await gateway(), postFrame(1) + dataFrame(1, '', false).repeat(5000), 'control_flood');
  });

  it('SETTINGS with more entries than there are settings', async () => {
    const entries = Array.from({ length: 100 }, () => [f.SETTINGS_INITIAL_WINDOW_SIZE, 1] as const);
    await expectCalm(await gateway(), f.settingsFrame(entries), 'control_flood');
  });

  it('CONTINUATION without end, in small pieces or large ones (CVE-2024-27983)', async () => {
    const head = block(...getFields);
    const first = f.frameHead(head.length, f.HEADERS, f.END_STREAM, 1) + head;
    const empty = f.frameHead(0, f.CONTINUATION, 0, 1);
    await expectCalm(await gateway(), first + empty.repeat(1000), 'header_flood');
    const field = encodeField('x-a', 'a'.repeat(16_000));
    const large = f.frameHead(field.length, f.CONTINUATION, 0, 1) + field;
    await expectCalm(await gateway(), first + large.repeat(100), 'header_flood');
  });
});

describe('large heads', () => {
  it('that are small on the wire are answered 431, and the connection goes on (an HPACK bomb)', async () => {
    const engine = await gateway();
    const value = 'a'.repeat(3900);
    // Once with indexing, then by its index, a byte each.
    const bomb = `\x40${encodeInteger(3, 7, 0)}x-a${encodeInteger(value.length, 7, 0)}${value}${'\xbe'.repeat(8000)}`;
    const peer = attacker(engine).send(f.headersFrames(1, block(...getFields) + bomb, true));
    const answer = await peer.until(({ type, id }) => type === f.HEADERS && id === 1);
    expect(answer.payload.toString('latin1')).toContain('431');
    peer.send(getFrame(3));
    const next = await peer.until(({ type, id }) => type === f.HEADERS && id === 3);
    expect(next.payload[0]).toBe(0x88);
  });

  it('with too many fields are answered 431', async () => {
    const fields = Array.from({ length: 120 }, (_, i) => [`x-${i}`, 'v'] as const);
    const peer = attacker(await gateway()).send(getFrame(1, ...fields));
    const answer = await peer.until(({ type, id }) => type === f.HEADERS && id === 1);
    expect(answer.payload.toString('latin1')).toContain('431');
  });
});

it('counts resets by who made them', async () => {
  const engine = await gateway(httpBackend(() => {}));
  const peer = attacker(engine).send(
    getFrame(1) + f.resetFrame(1, f.CANCEL) + getFrame(3, ['te', 'gzip']) + f.pingFrame('pingpong', false),
  );
  await peer.until(({ type }) => type === f.PING);
  const metrics = await engine.metricsText();
  expect(metrics).toContain('evenkeel_http2_resets_total{listener="http",by="client"} 1');
  expect(metrics).toContain('evenkeel_http2_resets_total{listener="http",by="proxy"} 1');
  expect(metrics).toContain('evenkeel_http2_sessions{listener="http"} 1');
});
