// What HTTP/2 forbids: a request that breaks a rule reaches no backend, a frame that does ends the connection.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Engine } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { block, dataFrame, FramePeer, frameClient, getFields, getFrame, postFrame } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { httpBackend, rawBackend } from '../testing/peers.ts';
import * as f from './frames.ts';

const harness = new Harness();
let engine: Engine;
/** Requests that came to their end at the backend. */
let served: string[] = [];

beforeAll(async () => {
  const web = await harness.backend(
    httpBackend((request, response) => {
      request.on('error', () => {});
      request.resume();
      request.on('end', () => {
        served.push(`${request.method} ${request.headers.host} ${request.url}`);
        response.end('ok');
      });
    }),
  );
  engine = await harness.engine();
  engine.publish(simpleModel([web.port]));
  await engine.applied();
});
beforeEach(() => {
  served = [];
});
afterAll(() => harness.close());

/** Sends `frames` and resolves once the gateway has dealt with them, or has closed. */
async function send(frames: string): Promise<FramePeer> {
  const peer = frameClient(portOf(engine)).send(frames + f.pingFrame('finished', false));
  await peer.until(({ type, flags }) => type === f.GOAWAY || (type === f.PING && (flags & f.ACK) !== 0));
  return peer;
}

type Fields = readonly (readonly [string, string])[];
const request = (...fields: Fields): string => f.headersFrames(1, block(...fields), true);
const [method, scheme, authority, path] = getFields as [
  readonly [string, string],
  readonly [string, string],
  readonly [string, string],
  readonly [string, string],
];

describe('a malformed request is reset and reaches no backend', () => {
  it.each<[string, string]>([
    ['without :method', request(scheme, authority, path)],
    ['without :scheme', request(method, authority, path)],
    ['without :path', request(method, scheme, authority)],
    ['with an empty :path', request(method, scheme, authority, [':path', ''])],
    ['with :method twice', request(method, method, scheme, authority, path)],
    ['with :scheme twice', request(method, scheme, scheme, authority, path)],
    ['with :authority twice', request(method, scheme, authority, authority, path)],
    ['with :path twice', request(method, scheme, authority, path, path)],
    ['with :status', request(method, scheme, authority, path, [':status', '200'])],
    ['with an unknown pseudo-header', request(method, scheme, authority, path, [':x', '1'])],
    ['with a pseudo-header behind a regular one', request(method, scheme, authority, ['x-a', '1'], path)],
    ['with :protocol and no CONNECT', request(method, scheme, authority, path, [':protocol', 'websocket'])],
    ['with :path and plain CONNECT', request([':method', 'CONNECT'], authority, path)],
    ['with a method that is no token', request([':method', 'GE T'], scheme, authority, path)],
    ['with an upper-case name', getFrame(1, ['X-A', '1'])],
    ['with an empty name', getFrame(1, ['', '1'])],
    ['with a space in a name', getFrame(1, ['x a', '1'])],
    ['with CR LF in a value', getFrame(1, ['x-a', '1\r\nx-b: 2'])],
    ['with LF in a value', getFrame(1, ['x-a', '1\n2'])],
    ['with NUL in a value', getFrame(1, ['x-a', '1\x002'])],
    ['with white space around a value', getFrame(1, ['x-a', ' 1'])],
    ['with CR LF in :path', request(method, scheme, authority, [':path', '/ HTTP/1.1\r\nx: y'])],
    ['with CR LF in :method', request([':method', 'GET /x HTTP/1.1\r\n'], scheme, authority, path)],
    ['with CR LF in :authority', request(method, scheme, [':authority', 'a\r\nx: y'], path)],
    ['with Connection', getFrame(1, ['connection', 'close'])],
    ['with Keep-Alive', getFrame(1, ['keep-alive', '1'])],
    ['with Proxy-Connection', getFrame(1, ['proxy-connection', 'close'])],
    ['with Transfer-Encoding', postFrame(1, ['transfer-encoding', 'chunked']) + dataFrame(1, '0\r\n\r\n', true)],
    ['with Upgrade', getFrame(1, ['upgrade', 'websocket'])],
    ['with TE other than trailers', getFrame(1, ['te', 'trailers, gzip'])],
    ['with a Content-Length and no body', getFrame(1, ['content-length', '3'])],
    ['with a body shorter than announced', postFrame(1, ['content-length', '3']) + dataFrame(1, 'ab', true)],
    ['with a body longer than announced', postFrame(1, ['content-length', '3']) + dataFrame(1, 'abcd', true)],
    [
      'with a body shorter than announced, and trailers',
      postFrame(1, ['content-length', '3']) + dataFrame(1, 'ab', false) + f.headersFrames(1, block(['x-a', '1']), true),
    ],
    ['with trailers that are not the end', postFrame(1) + f.headersFrames(1, block(['x-a', '1']), false)],
    ['with a pseudo-header in trailers', postFrame(1) + f.headersFrames(1, block([':path', '/']), true)],
    ['with an upper-case name in trailers', postFrame(1) + f.headersFrames(1, block(['X-A', '1']), true)],
    ['with Transfer-Encoding in trailers', postFrame(1) + f.headersFrames(1, block(['transfer-encoding', 'x']), true)],
  ])('%s', async (_rule, frames) => {
    const peer = await send(frames);
    const reset = peer.frames.find(({ type }) => type === f.RST_STREAM);
    expect([reset?.id, reset?.payload.readUInt32BE(0)]).toEqual([1, f.PROTOCOL_ERROR]);
    expect(peer.frames.filter(({ type }) => type === f.HEADERS)).toEqual([]);
    // The connection goes on.
    peer.send(getFrame(3));
    await peer.until(({ type, id }) => type === f.HEADERS && id === 3);
    expect(served).toEqual(['GET a.test /']);
    peer.destroy();
  });
});

describe('a request that only HTTP/1.1 could carry otherwise is answered', () => {
  it.each<[string, string, number]>([
    ['without a host', request(method, scheme, path), 400],
    ['with an empty :authority', request(method, scheme, [':authority', ''], path), 400],
    ['with user info', request(method, scheme, [':authority', 'me@a.test'], path), 400],
    ['with a port that is none', request(method, scheme, [':authority', 'a.test:x'], path), 400],
    ['with a Host that says otherwise', getFrame(1, ['host', 'b.test']), 400],
    ['with two Hosts', getFrame(1, ['host', 'a.test'], ['host', 'a.test']), 400],
    ['with another scheme', request(method, [':scheme', 'ftp'], authority, path), 400],
    ['with a :path that is no path', request(method, scheme, authority, [':path', 'x']), 400],
    ['with an absolute :path', request(method, scheme, authority, [':path', 'http://b.test/']), 400],
    ['with * and GET', request(method, scheme, authority, [':path', '*']), 400],
    ['with a fragment', request(method, scheme, authority, [':path', '/#x']), 400],
    ['with a space in :path', request(method, scheme, authority, [':path', '/a b']), 400],
    ['with a backslash in :path', request(method, scheme, authority, [':path', '/a\\b']), 400],
    ['with an escaped NUL in :path', request(method, scheme, authority, [':path', '/%00']), 400],
    ['with a broken escape in :path', request(method, scheme, authority, [':path', '/%zz']), 400],
    ['with a :path that is too long', request(method, scheme, authority, [':path', `/${'a'.repeat(9000)}`]), 414],
    ['with a Content-Length that is no number', postFrame(1, ['content-length', '+3']), 400],
    ['with two Content-Lengths', postFrame(1, ['content-length', '3'], ['content-length', '3']), 400],
    ['with an unknown expectation', postFrame(1, ['expect', 'x']), 417],
    ['with plain CONNECT', request([':method', 'CONNECT'], authority), 501],
    [
      'with extended CONNECT to something unknown',
      request([':method', 'CONNECT'], [':protocol', 'tcp'], scheme, authority, path),
      501,
    ],
    [
      'with a grpc-timeout that is none',
      postFrame(1, ['content-type', 'application/grpc'], ['grpc-timeout', '1x']),
      200,
    ],
  ])('%s', async (_rule, frames, status) => {
    const peer = await send(frames);
    const head = peer.frames.find(({ type }) => type === f.HEADERS);
    const shown = head?.payload.toString('latin1') ?? '';
    expect(
      status === 200 ? shown[0] === '\x88' : status === 400 ? shown[0] === '\x8c' : shown.includes(`${status}`),
    ).toBe(true);
    expect(served).toEqual([]);
    peer.destroy();
  });
});

describe('what may be said in more than one way reaches the backend in one', () => {
  it.each<[string, string, string]>([
    ['a Host in place of :authority', request(method, scheme, path, ['host', 'A.test']), 'GET A.test /'],
    ['a Host that says the same', getFrame(1, ['host', 'A.TEST']), 'GET a.test /'],
    [
      'a path with dot segments',
      request(method, scheme, authority, [':path', '/a/%2e%2e/b//c?d=/../']),
      'GET a.test /b/c?d=/../',
    ],
    [
      'OPTIONS for the whole server',
      request([':method', 'OPTIONS'], scheme, authority, [':path', '*']),
      'OPTIONS a.test *',
    ],
  ])('%s', async (_what, frames, expected) => {
    const peer = await send(frames);
    await peer.until(({ type }) => type === f.HEADERS);
    expect(served).toEqual([expected]);
    peer.destroy();
  });
});

describe('a connection ends with GOAWAY', () => {
  const headers = (flags: number, id: number, payload: string): string =>
    f.frameHead(payload.length, f.HEADERS, flags, id) + payload;
  it.each<[string, string, number]>([
    ['DATA on stream 0', dataFrame(0, 'x', false), f.PROTOCOL_ERROR],
    ['DATA on an idle stream', dataFrame(1, 'x', false), f.PROTOCOL_ERROR],
    ['DATA on a stream that is over', `${getFrame(1)}${dataFrame(1, 'x', true)}`, f.STREAM_CLOSED],
    [
      'DATA with more padding than payload',
      `${postFrame(1)}${f.frameHead(2, f.DATA, f.PADDED, 1)}\x05x`,
      f.PROTOCOL_ERROR,
    ],
    ['a frame that is too long', f.frameHead(16_385, f.DATA, 0, 1), f.FRAME_SIZE_ERROR],
    ['HEADERS on stream 0', headers(f.END_HEADERS, 0, ''), f.PROTOCOL_ERROR],
    ['HEADERS on an even stream', getFrame(2), f.PROTOCOL_ERROR],
    ['HEADERS on a lower stream', getFrame(5) + getFrame(3), f.STREAM_CLOSED],
    ['HEADERS with more padding than payload', headers(f.END_HEADERS | f.PADDED, 1, '\x09xx'), f.PROTOCOL_ERROR],
    ['HEADERS that are no HPACK', headers(f.END_HEADERS, 1, '\x80'), f.COMPRESSION_ERROR],
    ['CONTINUATION without HEADERS', f.frameHead(0, f.CONTINUATION, f.END_HEADERS, 1), f.PROTOCOL_ERROR],
    ['a frame within a header block', headers(0, 1, '') + f.pingFrame('12345678', false), f.PROTOCOL_ERROR],
    ['DATA within a header block', headers(0, 1, '') + dataFrame(1, 'x', false), f.PROTOCOL_ERROR],
    ['CONTINUATION of another stream', headers(0, 1, '') + f.frameHead(0, f.CONTINUATION, 4, 3), f.PROTOCOL_ERROR],
    ['PRIORITY on stream 0', `${f.frameHead(5, f.PRIORITY, 0, 0)}\0\0\0\0\0`, f.PROTOCOL_ERROR],
    ['PRIORITY of another length', f.frameHead(0, f.PRIORITY, 0, 1), f.FRAME_SIZE_ERROR],
    ['RST_STREAM on stream 0', f.resetFrame(0, 0), f.PROTOCOL_ERROR],
    ['RST_STREAM on an idle stream', f.resetFrame(1, 0), f.PROTOCOL_ERROR],
    ['RST_STREAM of another length', getFrame(1) + f.frameHead(0, f.RST_STREAM, 0, 1), f.FRAME_SIZE_ERROR],
    ['SETTINGS on a stream', f.frameHead(0, f.SETTINGS, 0, 1), f.PROTOCOL_ERROR],
    ['SETTINGS of an odd length', `${f.frameHead(5, f.SETTINGS, 0, 0)}\0\0\0\0\0`, f.FRAME_SIZE_ERROR],
    ['an acknowledgement with settings', `${f.frameHead(6, f.SETTINGS, f.ACK, 0)}\0\x03\0\0\0\x01`, f.FRAME_SIZE_ERROR],
    ['a push setting of 2', f.settingsFrame([[f.SETTINGS_ENABLE_PUSH, 2]]), f.PROTOCOL_ERROR],
    ['a window beyond 2^31', f.settingsFrame([[f.SETTINGS_INITIAL_WINDOW_SIZE, 2 ** 31]]), f.FLOW_CONTROL_ERROR],
    ['a frame size below 2^14', f.settingsFrame([[f.SETTINGS_MAX_FRAME_SIZE, 16_383]]), f.PROTOCOL_ERROR],
    ['PUSH_PROMISE', f.frameHead(4, f.PUSH_PROMISE, 4, 1) + f.uint32(2), f.PROTOCOL_ERROR],
    ['PING on a stream', `${f.frameHead(8, f.PING, 0, 1)}12345678`, f.PROTOCOL_ERROR],
    ['PING of another length', f.frameHead(0, f.PING, 0, 0), f.FRAME_SIZE_ERROR],
    ['GOAWAY on a stream', f.frameHead(8, f.GOAWAY, 0, 1) + f.uint32(0) + f.uint32(0), f.PROTOCOL_ERROR],
    ['WINDOW_UPDATE of nothing', f.windowFrame(0, 0), f.PROTOCOL_ERROR],
    ['WINDOW_UPDATE beyond 2^31', f.windowFrame(0, f.MAX_WINDOW), f.FLOW_CONTROL_ERROR],
    ['WINDOW_UPDATE on an idle stream', f.windowFrame(1, 1), f.PROTOCOL_ERROR],
    ['WINDOW_UPDATE of another length', f.frameHead(0, f.WINDOW_UPDATE, 0, 0), f.FRAME_SIZE_ERROR],
  ])('%s', async (_rule, frames, code) => {
    const peer = await send(frames);
    await peer.untilClosed();
    expect(peer.goaway).toBe(code);
  });

  it.each([
    ['after something that is no preface', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'],
    ['when the first frame is not SETTINGS', f.PREFACE + getFrame(1)],
  ])('%s', async (_when, text) => {
    const peer = new FramePeer(connect(portOf(engine), '127.0.0.1')).send(text);
    await peer.untilClosed();
    expect(peer.goaway).toBe(f.PROTOCOL_ERROR);
  });
});

describe('windows', () => {
  it('are kept: a client that sends more than it may is stopped', async () => {
    const deaf = await harness.backend(rawBackend((socket) => socket.pause()));
    const other = await harness.engine();
    other.publish(simpleModel([deaf.port]));
    await other.applied();
    const peer = frameClient(portOf(other)).send(postFrame(1));
    const piece = Buffer.from(dataFrame(1, 'x'.repeat(16_384), false), 'latin1');
    const refusal = peer.until(({ type }) => type === f.RST_STREAM || type === f.GOAWAY);
    // The kernel's buffers take some; a client that kept to its window would wait from then on.
    for (let sent = 0; sent < 4096 && !peer.closed; sent++) {
      if (!peer.socket.write(piece)) await Promise.race([once(peer.socket, 'drain'), refusal]);
    }
    const { type, payload } = await refusal;
    expect(payload.readUInt32BE(type === f.GOAWAY ? 4 : 0)).toBe(f.FLOW_CONTROL_ERROR);
    peer.destroy();
  });

  it('of the client are kept: nothing is sent that it does not take', async () => {
    const peer = frameClient(portOf(engine), [[f.SETTINGS_INITIAL_WINDOW_SIZE, 1]]).send(
      getFrame(1) + f.pingFrame('pingpong', false),
    );
    const first = await peer.until(({ type }) => type === f.DATA);
    expect([first.payload.toString(), first.flags]).toEqual(['o', 0]);
    peer.send(f.windowFrame(1, 10));
    const second = await peer.until(({ type, flags }) => type === f.DATA && flags === f.END_STREAM);
    expect(second.payload.toString()).toBe('k');
    peer.destroy();
  });

  it('of a connection are shared: no long answer keeps the others waiting', async () => {
    const long = await harness.backend(httpBackend((_request, response) => response.end('x'.repeat(100_000))));
    const other = await harness.engine();
    other.publish(simpleModel([long.port]));
    await other.applied();
    const peer = frameClient(portOf(other), [[f.SETTINGS_INITIAL_WINDOW_SIZE, 1_000_000]]);
    peer.send(getFrame(1) + getFrame(3) + getFrame(5));
    for (const stream of [1, 3, 5]) await peer.until(({ type, id }) => type === f.HEADERS && id === stream);
    // All of the window that a connection has at first.
    const bytes = (): number =>
      peer.frames.reduce((sum, { type, payload }) => sum + (type === 0 ? payload.length : 0), 0);
    await eventually('the window is used up', () => expect(bytes()).toBe(f.DEFAULT_WINDOW));
    const before = peer.frames.length;
    for (let turn = 1; turn <= 3; turn++) {
      peer.send(f.windowFrame(0, 1000));
      await eventually('it is used again', () => expect(bytes()).toBe(f.DEFAULT_WINDOW + turn * 1000));
    }
    const served = peer.frames.slice(before).filter(({ type }) => type === f.DATA);
    expect(served.map(({ id }) => id).sort()).toEqual([1, 3, 5]);
    peer.destroy();
  });
});
