// How HTTP/2 connections end: when the gateway leaves, when their listener does, when they idle, when they are too slow.
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { ClockLab } from '../testing/clock-lab.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { dataFrame, type FramePeer, frameClient, getFrame, http2Backend, postFrame } from '../testing/http2-peers.ts';
import { simpleModel, update } from '../testing/model.ts';
import { httpBackend } from '../testing/peers.ts';
import * as f from './frames.ts';

const harness = new Harness();
afterEach(() => harness.close());

const isGoaway = ({ type }: { type: number }): boolean => type === f.GOAWAY;

/** An engine before a backend that answers when it is told to. */
async function slowGateway() {
  const answers: (() => void)[] = [];
  let arrived: () => void = () => {};
  const web = await harness.backend(
    httpBackend((_request, response) => {
      answers.push(() => response.end('late'));
      arrived();
    }),
  );
  const engine = await harness.engine();
  engine.publish(simpleModel([web.port]));
  await engine.applied();
  return {
    engine,
    answer: () => {
      for (const answer of answers.splice(0)) answer();
    },
    arrival: () =>
      new Promise<void>((resolve) => {
        arrived = resolve;
        if (answers.length > 0) resolve();
      }),
  };
}

describe('a gateway that drains', () => {
  it('says so twice, serves what crosses, finishes, and closes', async () => {
    const { engine, answer, arrival } = await slowGateway();
    const peer = frameClient(portOf(engine)).send(getFrame(1));
    await arrival();
    const drained = engine.drain(60_000);
    const first = await peer.until(isGoaway);
    expect([first.payload.readUInt32BE(0), first.payload.readUInt32BE(4)]).toEqual([f.MAX_STREAM_ID, f.NO_ERROR]);
    // On its way before the client knew: served. The ping's answer says that no more can be.
    peer.send(getFrame(3));
    const ping = await peer.until(({ type, flags }) => type === f.PING && flags === 0);
    peer.send(f.pingFrame(ping.payload.toString('latin1'), true) + getFrame(5));
    const refused = await peer.until(({ type }) => type === f.RST_STREAM);
    expect([refused.id, refused.payload.readUInt32BE(0)]).toEqual([5, f.REFUSED_STREAM]);
    while (!peer.closed) {
      answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { frames } = peer;
    const last = frames.findLast(isGoaway);
    expect([last?.payload.readUInt32BE(0), last?.payload.readUInt32BE(4)]).toEqual([3, f.NO_ERROR]);
    const answered = frames.filter(({ type, flags }) => type === f.DATA && flags === f.END_STREAM);
    expect(answered.map(({ id }) => id).sort()).toEqual([1, 3]);
    await drained;
  });

  it('leaves clients that idle alone with a good-bye', async () => {
    const { engine, answer } = await slowGateway();
    const peer = frameClient(portOf(engine)).send(getFrame(1));
    await slowAnswer(peer, answer);
    const drained = engine.drain(60_000);
    const ping = await peer.until(({ type, flags }) => type === f.PING && flags === 0);
    peer.send(f.pingFrame(ping.payload.toString('latin1'), true));
    await peer.untilClosed();
    expect(peer.goaway).toBe(f.NO_ERROR);
    await drained;
  });
});

/** Has the backend answer until the client has its answer. */
async function slowAnswer(peer: FramePeer, answer: () => void): Promise<void> {
  const done = peer.until(({ type, flags }) => type === f.DATA && flags === f.END_STREAM);
  let over = false;
  void done.then(() => {
    over = true;
  });
  while (!over) {
    answer();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('a listener that is gone says good-bye to its clients, and answers what they asked', async () => {
  const { engine, answer, arrival } = await slowGateway();
  const peer = frameClient(portOf(engine)).send(getFrame(1));
  await arrival();
  engine.publish(update({ listeners: new Map([['http', undefined]]) }));
  await peer.until(isGoaway);
  const ping = await peer.until(({ type, flags }) => type === f.PING && flags === 0);
  peer.send(f.pingFrame(ping.payload.toString('latin1'), true));
  answer();
  const frames = await peer.untilClosed();
  expect(frames.some(({ type, flags }) => type === f.DATA && flags === f.END_STREAM)).toBe(true);
});

it('a change of the snapshot drops nothing', async () => {
  const { engine, answer, arrival } = await slowGateway();
  const peer = frameClient(portOf(engine)).send(getFrame(1));
  await arrival();
  const other = await http2Backend((stream) => {
    stream.respond({ ':status': 200 });
    stream.end('new');
  });
  harness.after(() => other.close());
  engine.publish(simpleModel([other.port], { upstreamProtocol: 'http2' }));
  await engine.applied();
  peer.send(getFrame(3));
  const fresh = await peer.until(({ type, id }) => type === f.DATA && id === 3);
  expect(fresh.payload.toString()).toBe('new');
  answer();
  const old = await peer.until(({ type, id }) => type === f.DATA && id === 1);
  expect(old.payload.toString()).toBe('late');
  expect(peer.goaway).toBeUndefined();
  peer.destroy();
});

describe('time-outs', () => {
  const defaults = {
    headTimeout: 1000,
    idleTimeout: 2000,
    bodyTimeout: 3000,
    bodyMinimum: 100,
    sendTimeout: 4000,
    linger: 10,
  };
  let arrived = 0;
  async function lab(limits: Partial<HttpLimits> = {}): Promise<ClockLab> {
    arrived = 0;
    const backend = await httpBackend((request, response) => {
      arrived++;
      request.on('error', () => {});
      request.resume();
      request.on('end', () => response.end('x'.repeat(100)));
    });
    const made = await ClockLab.start(backend, { ...defaults, ...limits });
    harness.after(() => made.close());
    return made;
  }
  const peerOf = (made: ClockLab, settings: readonly (readonly [number, number])[] = []): FramePeer => {
    const peer = frameClient(made.port, settings);
    harness.after(async () => peer.destroy());
    return peer;
  };
  /** Lets time pass until the gateway has closed the connection. */
  async function waitForClose(made: ClockLab, peer: FramePeer): Promise<void> {
    while (!peer.closed) {
      made.clock.advance(250);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('a connection that idles gets GOAWAY and is closed', async () => {
    const made = await lab();
    const peer = peerOf(made);
    peer.send(getFrame(1));
    await peer.until(({ type }) => type === f.DATA);
    await waitForClose(made, peer);
    expect(peer.goaway).toBe(f.NO_ERROR);
  });

  it('a header block that does not come to its end ends the connection', async () => {
    const made = await lab({ idleTimeout: 10_000_000 });
    const peer = peerOf(made);
    peer.send(`${f.frameHead(1, f.HEADERS, f.END_STREAM, 1)}\x82${f.pingFrame('never be', false).slice(0, 5)}`);
    await waitForClose(made, peer);
    expect(peer.goaway).toBe(f.PROTOCOL_ERROR);
  });

  it('a body that does not come is answered 408, its stream ends, its connection does not', async () => {
    const made = await lab();
    const peer = peerOf(made);
    peer.send(postFrame(1) + dataFrame(1, 'x', false));
    await eventually('the request has arrived', () => expect(arrived).toBe(1));
    made.clock.advance(3500);
    const head = await peer.until(({ type, id }) => type === f.HEADERS && id === 1);
    expect(head.payload.toString('latin1')).toContain('408');
    peer.send(getFrame(3));
    await peer.until(({ type, id }) => type === f.DATA && id === 3);
  });

  it('a client that reads slowly, but reads, keeps its connection', async () => {
    const size = 60 * 1024 * 1024;
    let left = (): number => 0;
    const backend = await httpBackend((_request, response) => {
      left = () => response.socket?.writableLength ?? 0;
      for (let sent = 0; sent < size; sent += 65_536) response.write(Buffer.alloc(65_536, 'x'));
      response.end();
    });
    const made = await ClockLab.start(backend, defaults);
    harness.after(() => made.close());
    const peer = peerOf(made, [[f.SETTINGS_INITIAL_WINDOW_SIZE, f.MAX_WINDOW]]);
    peer.send(f.windowFrame(0, f.MAX_WINDOW - f.DEFAULT_WINDOW) + getFrame(1));
    const read = (): number => peer.socket.bytesRead;
    let waited = 0;
    while (!peer.closed && read() < size) {
      const enough = Math.min(size, read() + 2 * 1024 * 1024);
      peer.socket.resume();
      await eventually('some more has come', () => expect(peer.closed || read() >= enough).toBe(true));
      peer.socket.pause();
      let before = -1;
      await eventually('everything between the two is full again', () => {
        const still = left() === before;
        before = left();
        expect(still).toBe(true);
      });
      made.clock.advance(1500);
      waited += 1500;
    }
    expect(peer.closed).toBe(false);
    expect(waited).toBeGreaterThan(defaults.sendTimeout);
    peer.socket.resume();
    await peer.until(({ type, flags }) => type === f.DATA && (flags & f.END_STREAM) !== 0);
  });

  it('a client whose window stays shut loses its stream, and keeps its others', async () => {
    const made = await lab();
    const peer = peerOf(made, [[f.SETTINGS_INITIAL_WINDOW_SIZE, 0]]);
    peer.send(getFrame(1));
    await peer.until(({ type }) => type === f.HEADERS);
    made.clock.advance(4500);
    const reset = await peer.until(({ type }) => type === f.RST_STREAM);
    expect([reset.id, reset.payload.readUInt32BE(0)]).toEqual([1, f.CANCEL]);
    peer.send(getFrame(3) + f.windowFrame(3, 1000));
    await peer.until(({ type, id }) => type === f.DATA && id === 3);
  });
});
