// WebSocket through the engine: by the upgrade of HTTP/1.1 and the extended CONNECT of HTTP/2 (RFC 8441), on either side.
import { createServer, type Server as HttpServer } from 'node:http';
import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Harness, portOf } from '../testing/harness.ts';
import { block, dataFrame, frameClient, Http2Client, http2Backend } from '../testing/http2-peers.ts';
import { simpleModel } from '../testing/model.ts';
import { type Backend, rawBackend } from '../testing/peers.ts';
import * as f from './frames.ts';

const harness = new Harness();
afterEach(() => harness.close());

type Protocol = 'http1' | 'http2';

/** A text frame of a client, masked with zeros, and one of a server; short ones only. */
const clientFrame = (text: string): Buffer =>
  Buffer.from(`\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`, 'latin1');
const serverFrame = (text: string): Buffer => Buffer.from(`\x81${String.fromCharCode(text.length)}${text}`, 'latin1');

/** Echoes messages in upper case, the first of which tells what it was asked. */
async function echo(protocol: Protocol): Promise<number> {
  if (protocol === 'http1') {
    const server: HttpServer = createServer((_request, response) => {
      response.statusCode = 403;
      response.end('no');
    });
    const sockets = new WebSocketServer({
      server,
      path: '/chat',
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    sockets.on('connection', (socket, request) => {
      socket.send(`${request.method} ${request.url} ${request.headers.host}`);
      socket.on('message', (text) => socket.send(text.toString().toUpperCase()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    harness.after(async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }
  const backend = await http2Backend(
    (stream: ServerHttp2Stream, headers) => {
      if (headers[':method'] !== 'CONNECT' || headers[':path'] !== '/chat') {
        stream.respond({ ':status': 403 });
        stream.end('no');
        return;
      }
      // Nothing of HTTP/1.1's handshake may be left.
      const strange = Object.keys(headers).filter((name) => /^(sec-websocket-key|upgrade|connection)$/.test(name));
      stream.respond({ ':status': 200, 'sec-websocket-protocol': headers['sec-websocket-protocol'] });
      stream.write(serverFrame(`${headers[':protocol']} ${headers[':path']} ${headers[':authority']}${strange}`));
      stream.on('data', (bytes: Buffer) => stream.write(serverFrame(unmasked(bytes).toUpperCase())));
      stream.on('end', () => stream.end());
    },
    { settings: { enableConnectProtocol: true } },
  );
  harness.after(() => backend.close());
  return backend.port;
}

/** The text of one short frame of a client. */
function unmasked(bytes: Buffer): string {
  const length = (bytes[1] as number) & 0x7f;
  const mask = bytes.subarray(2, 6);
  return String.fromCharCode(...bytes.subarray(6, 6 + length).map((byte, i) => byte ^ (mask[i % 4] as number)));
}

async function gateway(port: number, upstreamProtocol: Protocol): Promise<number> {
  const engine = await harness.engine();
  engine.publish(simpleModel([port], { upstreamProtocol }));
  await engine.applied();
  return portOf(engine);
}

async function connectHttp2(
  port: number,
  path = '/chat',
): Promise<{ stream: ClientHttp2Stream; status: number; headers: Record<string, unknown> }> {
  const client = new Http2Client(`http://127.0.0.1:${port}`);
  harness.after(() => client.close());
  await new Promise<void>((resolve) => client.session.once('remoteSettings', () => resolve()));
  expect(client.session.remoteSettings.enableConnectProtocol).toBe(true);
  const stream = client.session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'a.test',
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'chat',
  });
  stream.on('error', () => {});
  const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
  return { stream, status: headers[':status'] as number, headers };
}

function gathered(from: Duplex): { text: string } {
  const all = { text: '' };
  from.on('data', (bytes: Buffer) => {
    all.text += bytes.toString('latin1');
  });
  return all;
}

describe.each<Protocol>(['http1', 'http2'])('to a backend of %s', (upstream) => {
  it('from HTTP/1.1, with ws', async () => {
    const port = await gateway(await echo(upstream), upstream);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, 'chat', { headers: { host: 'a.test' } });
    const messages: string[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.on('message', (text) => {
        messages.push(text.toString());
        if (messages.length === 1) socket.send('hello');
        else resolve();
      });
      socket.on('error', reject);
    });
    expect(messages).toEqual([upstream === 'http1' ? 'GET /chat a.test' : 'websocket /chat a.test', 'HELLO']);
    expect(socket.protocol).toBe('chat');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.terminate();
    await closed;
  });

  it('from HTTP/2, by extended CONNECT', async () => {
    const port = await gateway(await echo(upstream), upstream);
    const { stream, status, headers } = await connectHttp2(port);
    expect(status).toBe(200);
    expect(headers['sec-websocket-protocol']).toBe('chat');
    expect(headers).not.toHaveProperty('sec-websocket-accept');
    const got = gathered(stream);
    stream.write(clientFrame('hello'));
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (got.text.includes('HELLO')) resolve();
      };
      stream.on('data', look);
      look();
    });
    expect(got.text).toContain(upstream === 'http1' ? 'GET /chat a.test' : 'websocket /chat a.test');
    // An unmasked close frame, and the end.
    const ended = new Promise<void>((resolve) => stream.on('close', () => resolve()));
    stream.end(upstream === 'http1' ? Buffer.from('\x88\x80\0\0\0\0', 'latin1') : undefined);
    await ended;
  });

  it('is refused as the backend refuses it', async () => {
    const port = await gateway(await echo(upstream), upstream);
    const { status, stream } = await connectHttp2(port, '/other');
    expect(status).toBe(upstream === 'http1' ? 400 : 403);
    stream.close();
    const refused = new WebSocket(`ws://127.0.0.1:${port}/other`);
    const answer = await new Promise<string>((resolve) => refused.on('error', (error) => resolve(error.message)));
    expect(answer).toContain(upstream === 'http1' ? '400' : '403');
  });
});

describe('a tunnel does not come of', () => {
  async function answerOf(backend: Backend): Promise<number> {
    const port = await gateway((await harness.backend(Promise.resolve(backend))).port, 'http1');
    const { status, stream } = await connectHttp2(port);
    stream.close();
    return status;
  }

  it('an ordinary success, which to a client of HTTP/2 would look like one', async () => {
    const backend = await rawBackend((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    );
    expect(await answerOf(backend)).toBe(502);
  });

  it('a switch of protocols that does not answer the key', async () => {
    const backend = await rawBackend((socket) =>
      socket.on('data', () =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
        ),
      ),
    );
    expect(await answerOf(backend)).toBe(502);
  });

  it('a backend of HTTP/2 that does not serve extended CONNECT', async () => {
    const backend = await http2Backend((stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    harness.after(() => backend.close());
    const { status, stream } = await connectHttp2(await gateway(backend.port, 'http2'));
    expect(status).toBe(502);
    stream.close();
  });
});

it('a client that does not wait for its tunnel is held to one window', async () => {
  const silent = await harness.backend(rawBackend((socket) => socket.resume()));
  const peer = frameClient(await gateway(silent.port, 'http1'));
  harness.after(async () => peer.destroy());
  const connect = block(
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', '/chat'],
    [':authority', 'a.test'],
  );
  peer.send(f.headersFrames(1, connect, false));
  for (let sent = 0; sent < 15; sent++) peer.send(dataFrame(1, 'x'.repeat(16_384), false));
  peer.send(f.pingFrame('are read', false));
  await peer.until(({ type, flags }) => type === f.PING && flags === f.ACK);
  expect(peer.frames.filter(({ type, id }) => type === f.WINDOW_UPDATE && id === 1)).toEqual([]);
});
