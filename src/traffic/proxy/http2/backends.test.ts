// What happens to requests when a backend of HTTP/2 refuses, resets, leaves, lies or falls silent.
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Cluster } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import {
  block,
  dataFrame,
  type Frame,
  type FramePeer,
  frameBackend,
  Http2Client,
  http2Backend,
} from '../testing/http2-peers.ts';
import { endpointsUpdate, simpleModel } from '../testing/model.ts';
import { exchange, RawClient, rawBackend } from '../testing/peers.ts';
import * as f from './frames.ts';

const harness = new Harness();
afterEach(() => harness.close());

async function engineTo(
  ports: readonly number[],
  overrides: Partial<Cluster> = {},
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const engine = await harness.engine(options);
  engine.publish(simpleModel(ports, { upstreamProtocol: 'http2', ...overrides }));
  await engine.applied();
  return engine;
}

/** A backend of frames that answers requests with `answer`. */
async function scripted(
  answer: (peer: FramePeer, frame: Frame) => void,
  settings: readonly (readonly [number, number])[] = [],
): Promise<number> {
  const backend = await frameBackend((peer, frame) => {
    if (frame.type === f.SETTINGS && (frame.flags & f.ACK) === 0) peer.send(f.settingsAck);
    else if (frame.type === f.PING && (frame.flags & f.ACK) === 0)
      peer.send(f.pingFrame(frame.payload.toString('latin1'), true));
    else answer(peer, frame);
  }, settings);
  harness.after(() => backend.close());
  return backend.port;
}

const ok = (id: number): string => f.headersFrames(id, '\x88', false) + dataFrame(id, 'ok', true);
const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc';
const isEnd = ({ type, flags }: Frame): boolean =>
  (type === f.HEADERS || type === f.DATA) && (flags & f.END_STREAM) !== 0;

describe('a stream that the backend', () => {
  it('refuses goes to another endpoint, whatever its method', async () => {
    let refused = 0;
    const busy = await scripted((peer, frame) => {
      if (frame.type !== f.HEADERS) return;
      refused++;
      peer.send(f.resetFrame(frame.id, f.REFUSED_STREAM));
    });
    const free = await scripted((peer, frame) => void (isEnd(frame) && peer.send(ok(frame.id))));
    const engine = await engineTo([busy, free]);
    for (let i = 0; i < 6; i++) expect(await exchange(portOf(engine), post)).toMatch(/^HTTP\/1\.1 200 /);
    expect(refused).toBeGreaterThan(0);
  });

  it('refuses everywhere is answered 503', async () => {
    const busy = await scripted(
      (peer, { type, id }) => void (type === f.HEADERS && peer.send(f.resetFrame(id, f.REFUSED_STREAM))),
    );
    expect(await exchange(portOf(await engineTo([busy])), get)).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*Backend takes no more requests/,
    );
  });

  it('gives up is sent again only where it may be repeated', async () => {
    let seen = 0;
    const failing = await scripted((peer, frame) => {
      if (!isEnd(frame)) return;
      seen++;
      peer.send(f.resetFrame(frame.id, f.INTERNAL_ERROR));
    });
    const engine = await engineTo([failing]);
    expect(await exchange(portOf(engine), post)).toMatch(/^HTTP\/1\.1 502 /);
    expect(seen).toBe(1);
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 502 /);
    expect(seen).toBe(3);
  });

  it('gives up within its answer is cut, and the session goes on', async () => {
    let giveUp: () => void = () => {};
    const backend = await scripted((peer, frame) => {
      if (frame.type !== f.HEADERS) return;
      giveUp = () => peer.send(f.resetFrame(1, f.INTERNAL_ERROR));
      if (frame.id === 1) peer.send(f.headersFrames(1, '\x88', false) + dataFrame(1, 'half', false));
      else peer.send(ok(frame.id));
    });
    const port = portOf(await engineTo([backend]));
    const client = new RawClient(port);
    await client.send(get).until((text) => text.includes('half'));
    giveUp();
    expect(await client.untilClosed()).not.toMatch(/0\r\n\r\n$/);
    expect(await exchange(port, get)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

it('a stream that is given up takes nothing of what came for another along', async () => {
  const backend = await scripted((peer, frame) => {
    if (!isEnd(frame) || frame.id !== 3) return;
    const head = f.headersFrames(1, '\x88', false);
    // In one read: a head, the end of another stream, and the body for the head.
    peer.send(head + f.resetFrame(3, f.INTERNAL_ERROR) + dataFrame(1, 'ok', true));
  });
  const port = portOf(await engineTo([backend]));
  const answers = await Promise.all([exchange(port, post), exchange(port, post)]);
  expect(answers.map((answer) => answer.slice(9, 12)).sort()).toEqual(['200', '502']);
  expect(answers.find((answer) => answer.includes('200 OK'))).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
});

describe('a backend that leaves', () => {
  it('gets no new streams after GOAWAY; those it had not looked at go elsewhere, the others finish', async () => {
    const sessions = new Set<FramePeer>();
    const backend = await scripted((peer, frame) => {
      if (!isEnd(frame)) return;
      sessions.add(peer);
      // On the first session: looks at stream 1 only, and answers it when stream 3 has come.
      if (sessions.size === 1 && frame.id === 3) peer.send(f.goawayFrame(1, f.NO_ERROR) + ok(1));
      else if (sessions.size > 1) peer.send(ok(frame.id));
    });
    const port = portOf(await engineTo([backend]));
    const answers = await Promise.all([exchange(port, post), exchange(port, post)]);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*ok/);
    expect(await exchange(port, post)).toMatch(/^HTTP\/1\.1 200 /);
    expect(sessions.size).toBe(2);
    // Once its last stream was done the first session was closed.
    await eventually('the first session is closed', () => expect([...sessions][0]?.closed).toBe(true));
  });

  it('lets streams finish even when it says why it goes', async () => {
    const backend = await scripted((peer, frame) => {
      if (isEnd(frame)) peer.send(f.goawayFrame(frame.id, f.ENHANCE_YOUR_CALM) + ok(frame.id));
    });
    expect(await exchange(portOf(await engineTo([backend])), post)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('is dropped from the snapshot: its session ends when its last stream does', async () => {
    let finish: () => void = () => {};
    const backend = await http2Backend((stream) => {
      finish = () => {
        stream.respond({ ':status': 200 });
        stream.end('late');
      };
    });
    harness.after(() => backend.close());
    const engine = await engineTo([backend.port]);
    const answer = exchange(portOf(engine), get);
    await eventually('the request has arrived', () => expect(backend.sessions.size).toBe(1));
    engine.publish(endpointsUpdate([]));
    await engine.applied();
    expect(backend.sessions.size).toBe(1);
    finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*late/);
    await eventually('the session is closed', () => expect(backend.sessions.size).toBe(0));
  });
});

it('opens another session when the backend takes no more streams on one', async () => {
  let most = 0;
  const waiting: (() => void)[] = [];
  const backend = await http2Backend(
    (stream) => {
      waiting.push(() => {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
      most = Math.max(most, waiting.length);
      if (waiting.length === 10) for (const answer of waiting.splice(0)) answer();
    },
    { settings: { maxConcurrentStreams: 4 } },
  );
  harness.after(() => backend.close());
  const engine = await engineTo([backend.port], { retry: { attempts: 3 } });
  const http2 = new Http2Client(`http://127.0.0.1:${portOf(engine)}`);
  harness.after(() => http2.close());
  const answers = await Promise.all(Array.from({ length: 10 }, () => http2.request({ ':path': '/' })));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(most).toBe(10);
  expect(backend.opened()).toBeGreaterThan(2);
});

describe('a malformed response is answered 502, and the next request is served', () => {
  const broken: [string, (id: number) => string][] = [
    ['no :status', (id) => f.headersFrames(id, block(['x-a', '1']), true)],
    ['two :status', (id) => f.headersFrames(id, '\x88\x88', true)],
    [':status behind a field', (id) => f.headersFrames(id, `${block(['x-a', '1'])}\x88`, true)],
    [':status 101', (id) => f.headersFrames(id, block([':status', '101']), false)],
    [':status 99', (id) => f.headersFrames(id, block([':status', '99']), true)],
    [':path', (id) => f.headersFrames(id, `\x88${block([':path', '/'])}`, true)],
    ['an upper-case name', (id) => f.headersFrames(id, `\x88${block(['X-A', '1'])}`, true)],
    ['CR LF in a value', (id) => f.headersFrames(id, `\x88${block(['x-a', '1\r\nset-cookie: x'])}`, true)],
    ['Connection', (id) => f.headersFrames(id, `\x88${block(['connection', 'close'])}`, true)],
    ['Transfer-Encoding', (id) => f.headersFrames(id, `\x88${block(['transfer-encoding', 'chunked'])}`, true)],
    [
      'two lengths',
      (id) => f.headersFrames(id, `\x88${block(['content-length', '0'], ['content-length', '0'])}`, true),
    ],
    ['a length and no body', (id) => f.headersFrames(id, `\x88${block(['content-length', '2'])}`, true)],
    ['an interim response that ends the stream', (id) => f.headersFrames(id, block([':status', '103']), true)],
    ['DATA before the head', (id) => dataFrame(id, 'x', false)],
  ];
  it.each(broken)('%s', async (_what, answer) => {
    const backend = await scripted((peer, frame) => {
      if (frame.type === f.HEADERS) peer.send(frame.id === 1 ? answer(1) : ok(frame.id));
    });
    const port = portOf(await engineTo([backend]));
    expect(await exchange(port, post)).toMatch(/^HTTP\/1\.1 502 [\s\S]*malformed response/);
    expect(await exchange(port, post)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each<[string, (id: number) => string]>([
    [
      'a body longer than announced',
      (id) => f.headersFrames(id, `\x88${block(['content-length', '1'])}`, false) + dataFrame(id, 'xx', true),
    ],
    [
      'a body shorter than announced',
      (id) => f.headersFrames(id, `\x88${block(['content-length', '3'])}`, false) + dataFrame(id, 'xx', true),
    ],
  ])('%s: what has begun is cut', async (_what, answer) => {
    const backend = await scripted((peer, frame) => void (frame.type === f.HEADERS && peer.send(answer(frame.id))));
    const port = portOf(await engineTo([backend], { retry: { attempts: 0 } }));
    const got = await exchange(port, get);
    expect(got).not.toMatch(/Content-Length: 1\r\n[\s\S]*xx/);
    expect(got.split('\r\n\r\n')[1] ?? '').not.toHaveLength(3);
  });
});

it('a backend that speaks no HTTP/2 is answered 502', async () => {
  const old = await harness.backend(
    rawBackend((socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))),
  );
  expect(await exchange(portOf(await engineTo([old.port])), get)).toMatch(/^HTTP\/1\.1 502 /);
});

it('a backend that refuses connections is avoided', async () => {
  const gone = await http2Backend(() => {});
  await gone.close();
  const alive = await scripted((peer, frame) => void (isEnd(frame) && peer.send(ok(frame.id))));
  const engine = await engineTo([gone.port, alive]);
  for (let i = 0; i < 4; i++) expect(await exchange(portOf(engine), post)).toMatch(/^HTTP\/1\.1 200 /);
});

it('a stream that both sides have ended is not reset: backends count resets, and end connections that have many', async () => {
  const frames: Frame[] = [];
  const backend = await scripted((peer, frame) => {
    frames.push(frame);
    if (isEnd(frame)) peer.send(ok(frame.id));
  });
  const port = portOf(await engineTo([backend]));
  // What follows on the same connection shows that nothing was between.
  for (const request of [get, post, get]) expect(await exchange(port, request)).toMatch(/^HTTP\/1\.1 200 /);
  expect(frames.filter(({ type }) => type === f.HEADERS).map(({ id }) => id)).toEqual([1, 3, 5]);
  expect(frames.filter(({ type }) => type === f.RST_STREAM)).toEqual([]);
});

it('a client that leaves takes its stream along, and nobody else’s', async () => {
  const resets: number[] = [];
  const waiting: number[] = [];
  const backend = await scripted((peer, frame) => {
    if (frame.type === f.RST_STREAM) {
      resets.push(frame.id);
      for (const id of waiting) if (id !== frame.id) peer.send(ok(id));
    } else if (isEnd(frame)) waiting.push(frame.id);
  });
  const port = portOf(await engineTo([backend]));
  const http2 = new Http2Client(`http://127.0.0.1:${port}`);
  harness.after(() => http2.close());
  const leaving = http2.session.request({ ':path': '/leaving' });
  leaving.on('error', () => {});
  const staying = http2.request({ ':path': '/staying' });
  await eventually('both requests have arrived', () => expect(waiting).toHaveLength(2));
  leaving.close(f.CANCEL);
  expect((await staying).body).toBe('ok');
  expect(resets).toEqual([1]);
});

it('interim responses without end are no response', async () => {
  const port = await scripted((peer, frame) => {
    if (!isEnd(frame)) return;
    const interim = f.headersFrames(frame.id, block([':status', '103'], ['link', 'x'.repeat(1000)]), false);
    peer.send(interim.repeat(100) + ok(frame.id));
  });
  expect(await exchange(portOf(await engineTo([port])), post)).toMatch(/HTTP\/1\.1 502 [\s\S]*malformed response/);
});
