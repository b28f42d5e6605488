// What clients that give requests up do to the session to a backend that they share with others: nothing.
import { afterEach, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { dataFrame, type Frame, type FramePeer, frameBackend, Http2Client } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { RawClient } from '../testing/peers.ts';
import * as f from './frames.ts';

const harness = new Harness();
afterEach(() => harness.close());

/** Port of a gateway in front of a backend of frames, whose `settings` it has. */
async function gatewayTo(
  onFrame: (peer: FramePeer, frame: Frame) => void,
  settings: readonly (readonly [number, number])[],
): Promise<number> {
  const backend = await frameBackend((peer, frame) => {
    if (frame.type === f.SETTINGS && (frame.flags & f.ACK) === 0) peer.send(f.settingsAck);
    else onFrame(peer, frame);
  }, settings);
  harness.after(() => backend.close());
  const engine = await harness.engine();
  const timeouts = { connect: 2000, response: 0, idle: 0 };
  engine.publish(simpleModel([backend.port], { upstreamProtocol: 'http2', timeouts }));
  await engine.applied();
  return portOf(engine);
}

function clientOf(gateway: number): Http2Client {
  const client = new Http2Client(`http://127.0.0.1:${gateway}`);
  harness.after(() => client.close());
  return client;
}

const ok = (id: number): string => f.headersFrames(id, '\x88', false) + dataFrame(id, 'ok', true);
const isEnd = ({ type, flags }: Frame): boolean =>
  (type === f.HEADERS || type === f.DATA) && (flags & f.END_STREAM) !== 0;

it('a request that is given up before its head could leave says nothing of itself', async () => {
  const seen: Frame[] = [];
  let wake: () => void = () => {};
  const gateway = await gatewayTo(
    (peer, frame) => {
      seen.push(frame);
      if (seen.length > 1) return;
      // Reads no more, though its windows are open.
      peer.socket.pause();
      wake = () => peer.socket.resume();
      peer.send(f.windowFrame(0, f.MAX_WINDOW - f.DEFAULT_WINDOW));
    },
    [[f.SETTINGS_INITIAL_WINDOW_SIZE, f.MAX_WINDOW]],
  );
  const upload = new RawClient(gateway).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  const piece = 'x'.repeat(1024 * 1024);
  let sent = -1;
  await eventually('the backend’s connection is full', () => {
    if (upload.socket.writableLength === 0) upload.send(piece);
    const before = sent;
    sent = upload.socket.bytesWritten - upload.socket.writableLength;
    expect(upload.socket.writableLength > 0 && sent === before).toBe(true);
  });
  const http2 = clientOf(gateway);
  const leaving = http2.session.request({ ':path': '/leaving' });
  leaving.on('error', () => {});
  await new Promise((resolve) => http2.session.ping(() => resolve(undefined)));
  leaving.close(f.CANCEL);
  await new Promise((resolve) => http2.session.ping(() => resolve(undefined)));
  const staying = http2.session.request({ ':path': '/staying' });
  staying.on('error', () => {});
  wake();
  await eventually('the other one has come', () =>
    expect(seen.some(({ payload }) => payload.includes('/staying'))).toBe(true),
  );
  const heads = seen.filter(({ type }) => type === f.HEADERS).map(({ id }) => id);
  for (const { id } of seen.filter(({ type }) => type === f.RST_STREAM)) expect(heads).toContain(id);
  upload.destroy();
});

it('late frames of many streams that were given up do no harm to the others', async () => {
  const waiting: number[] = [];
  let answerAll: () => void = () => {};
  let resets = 0;
  const gateway = await gatewayTo(
    (peer, frame) => {
      if (frame.type === f.RST_STREAM) resets++;
      else if (isEnd(frame)) waiting.push(frame.id);
      // The one that stays last.
      answerAll = () => peer.send(waiting.splice(0).reverse().map(ok).join(''));
    },
    [[f.SETTINGS_MAX_CONCURRENT_STREAMS, 1000]],
  );
  const staying = clientOf(gateway).request({ ':path': '/staying' });
  await eventually('a first request has come', () => expect(waiting).toHaveLength(1));
  const leaving = [clientOf(gateway), clientOf(gateway), clientOf(gateway), clientOf(gateway)];
  for (const { session } of leaving) {
    for (let i = 0; i < 90; i++) session.request({ ':path': '/leaving' }).on('error', () => {});
  }
  await eventually('all have come', () => expect(waiting).toHaveLength(361));
  for (const { session } of leaving) session.destroy();
  await eventually('all but one have left', () => expect(resets).toBe(360));
  answerAll();
  expect((await staying).body).toBe('ok');
});

it('clients that give up many requests get a new session before the backend has had enough of the old one', async () => {
  const sessions: FramePeer[] = [];
  const waiting: { peer: FramePeer; id: number }[] = [];
  let resets = 0;
  const gateway = await gatewayTo(
    (peer, frame) => {
      if (!sessions.includes(peer)) sessions.push(peer);
      if (frame.type === f.RST_STREAM) resets++;
      else if (isEnd(frame)) waiting.push({ peer, id: frame.id });
    },
    [[f.SETTINGS_MAX_CONCURRENT_STREAMS, 1000]],
  );
  const staying = clientOf(gateway).request({ ':path': '/staying' });
  await eventually('a first request has come', () => expect(waiting).toHaveLength(1));
  for (let round = 1; round <= 6; round++) {
    const { session } = clientOf(gateway);
    for (let i = 0; i < 90; i++) session.request({ ':path': '/leaving' }).on('error', () => {});
    await eventually('all have come', () => expect(waiting).toHaveLength(1 + round * 90));
    session.destroy();
    await eventually('all have left', () => expect(resets).toBe(round * 90));
  }
  expect(sessions).toHaveLength(1);
  const next = clientOf(gateway).request({ ':path': '/next' });
  await eventually('another one has come', () => expect(waiting).toHaveLength(542));
  for (const { peer, id } of [waiting[0], waiting[541]] as typeof waiting) peer.send(ok(id));
  expect([(await staying).body, (await next).body]).toEqual(['ok', 'ok']);
  expect(sessions).toHaveLength(2);
  await eventually('the old session is closed', () => expect(sessions[0]?.closed).toBe(true));
});
