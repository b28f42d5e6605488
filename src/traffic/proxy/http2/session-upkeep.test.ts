// Sessions to backends over time: those without streams close, those that died without a word are found out.
import { afterEach, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { ClockLab } from '../testing/clock-lab.ts';
import { Harness } from '../testing/harness.ts';
import { dataFrame, type Frame, type FramePeer, frameBackend } from '../testing/http2-peers.ts';
import * as f from './frames.ts';

const harness = new Harness();
afterEach(() => harness.close());

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const isPing = ({ type, flags }: Frame): boolean => type === f.PING && (flags & f.ACK) === 0;

/** A backend that answers requests for as long as `answers` holds for the number of their session, from 1 on. */
async function lab(answers: (session: number, frame: Frame) => boolean) {
  const sessions: FramePeer[] = [];
  const backend = await frameBackend((peer, frame) => {
    if (!sessions.includes(peer)) sessions.push(peer);
    if (frame.type === f.SETTINGS && (frame.flags & f.ACK) === 0) peer.send(f.settingsAck);
    else if (!answers(sessions.indexOf(peer) + 1, frame)) return;
    else if (isPing(frame)) peer.send(f.pingFrame(frame.payload.toString('latin1'), true));
    else if (frame.type === f.HEADERS)
      peer.send(f.headersFrames(frame.id, '\x88', false) + dataFrame(frame.id, 'ok', true));
  });
  const made = await ClockLab.start(
    backend,
    { idleTimeout: 10_000_000 },
    { upstreamProtocol: 'http2', timeouts: { connect: 2000, response: 0, idle: 0 } },
  );
  harness.after(() => made.close());
  const client = made.client();
  const ask = async (nth: number): Promise<void> => {
    client.send(get);
    await client.until((text) => text.split('HTTP/1.1 200 ').length > nth && text.endsWith('0\r\n\r\n'));
  };
  return { clock: made.clock, sessions, client, ask };
}

it('a session without streams is closed after a minute, with a good-bye', async () => {
  const { clock, sessions, ask } = await lab(() => true);
  await ask(1);
  clock.advance(59_000);
  await ask(2);
  expect(sessions).toHaveLength(1);
  clock.advance(61_000);
  const frames = await (sessions[0] as FramePeer).untilClosed();
  expect(frames.filter(({ type }) => type === f.GOAWAY).map(({ payload }) => payload.readUInt32BE(4))).toEqual([
    f.NO_ERROR,
  ]);
  await ask(3);
  expect(sessions).toHaveLength(2);
});

it('a session that was silent is asked for a sign of life with its next request, and not before', async () => {
  const { clock, sessions, ask } = await lab(() => true);
  await ask(1);
  clock.advance(9000);
  await ask(2);
  clock.advance(50_000);
  expect(sessions[0]?.frames.some(isPing)).toBe(false);
  await ask(3);
  await sessions[0]?.until(isPing);
  // The sign came: nothing happens when its time is over.
  clock.advance(6000);
  await ask(4);
  expect(sessions).toHaveLength(1);
});

it('a session that gives no sign of life is dropped, and its request goes elsewhere', async () => {
  const { clock, sessions, client, ask } = await lab((session, { id }) => session > 1 || id === 1);
  await ask(1);
  clock.advance(30_000);
  client.send(get);
  const first = sessions[0] as FramePeer;
  await first.until(isPing);
  clock.advance(4500);
  expect(first.closed).toBe(false);
  clock.advance(1000);
  await client.until((text) => text.split('HTTP/1.1 200 ').length === 3);
  await eventually('the dead session is closed', () => expect(first.closed).toBe(true));
  expect(sessions).toHaveLength(2);
});
