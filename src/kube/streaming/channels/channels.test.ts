// The channel protocols between the server's side here and a real WebSocket client, and their small parsers.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '#lib/clock.ts';
import { acceptRemoteCommand } from '../remotecommand/accept.ts';
import type { RemoteCommand, StreamOptions } from '../remotecommand/remote-command.ts';
import { SizeReader } from '../remotecommand/resize.ts';
import { channelProtocols, decodeMessage, encodeMessage } from './codec.ts';

const all: StreamOptions = { stdin: true, stdout: true, stderr: true, tty: false };

let server: Server;
let remote: Promise<RemoteCommand | undefined>;
let take: (remote: Promise<RemoteCommand | undefined>) => void;

beforeEach(async () => {
  remote = new Promise((resolve) => {
    take = resolve;
  });
  server = createServer();
  server.on('upgrade', (request, socket, head) =>
    take(acceptRemoteCommand({ request, socket, head }, all, systemClock)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function connect(...protocols: string[]): { client: WebSocket; messages: Buffer[] } {
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, protocols);
  const messages: Buffer[] = [];
  client.on('message', (message: Buffer) => messages.push(message));
  client.on('error', () => {});
  return { client, messages };
}

describe('exec over WebSocket', () => {
  test('version 5 carries streams, the end of input, and how it ended', async () => {
    const { client, messages } = connect('v5.channel.k8s.io', 'v4.channel.k8s.io');
    const command = (await remote) as RemoteCommand;
    if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
    expect(client.protocol).toBe('v5.channel.k8s.io');
    client.send(Buffer.from('\0hello'));
    client.send(Buffer.from([255, 0]));
    command.stdin?.pipe(command.stdout as NodeJS.WritableStream, { end: false });
    await once(command.stdin as NodeJS.ReadableStream, 'end');
    void command.finish({ exitCode: 3 });
    const [code] = await once(client, 'close');
    expect(code).toBe(1000);
    expect(messages.map(String).slice(0, 2)).toEqual(['\x01', '\x01hello']);
    expect(JSON.parse(String(messages[2]).slice(1))).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });

  test.each([
    ['base64.channel.k8s.io', ['1', `1${Buffer.from('hi').toString('base64')}`]],
    ['channel.k8s.io', ['\x01', '\x01hi']],
  ])('%s says nothing of a success', async (protocol, expected) => {
    const { client, messages } = connect(protocol);
    const command = (await remote) as RemoteCommand;
    command.stdout?.write('hi');
    await command.finish({ exitCode: 0 });
    if (client.readyState !== WebSocket.CLOSED) await once(client, 'close');
    expect(messages.map(String)).toEqual(expected);
  });

  test('a protocol that nobody knows is refused with those that are known', async () => {
    const { client } = connect('v9.channel.k8s.io');
    const [, answer] = await once(client, 'unexpected-response');
    expect(answer.statusCode).toBe(403);
    expect(await remote).toBeUndefined();
  });

  test('whatever messages come, the connection ends cleanly', async () => {
    const { client } = connect('v5.channel.k8s.io');
    const command = (await remote) as RemoteCommand;
    command.stdin?.resume();
    if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
    for (const bytes of fc.sample(fc.uint8Array({ maxLength: 20 }), 300)) client.send(bytes);
    client.send('{"Width":-1}');
    client.close();
    await command.closed;
  });

  test('a client that goes away is noticed', async () => {
    const { client } = connect('v4.channel.k8s.io');
    const command = (await remote) as RemoteCommand;
    command.stdin?.resume();
    if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
    client.terminate();
    await command.closed;
  });
});

test('a message is read as it was written, in every protocol', () => {
  fc.assert(
    fc.property(
      fc.nat(9),
      fc.uint8Array(),
      fc.constantFrom(...Object.values(channelProtocols)),
      (channel, bytes, protocol) => {
        const message = Buffer.from(encodeMessage(channel, Buffer.from(bytes), protocol));
        expect(decodeMessage(message, protocol)).toEqual({ channel, data: Buffer.from(bytes) });
      },
    ),
  );
});

test('sizes are read however they were cut, and nonsense is left out', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 }))),
      fc.nat(9),
      (sizes, step) => {
        const text = sizes.map(([Width, Height]) => `${JSON.stringify({ Width, Height })}\n`).join('');
        const reader = new SizeReader();
        const read = [];
        for (let at = 0; at < text.length; at += step + 1)
          read.push(...reader.read(Buffer.from(text.slice(at, at + step + 1))));
        expect(read).toEqual(sizes.map(([columns, rows]) => ({ columns, rows })));
      },
    ),
  );
  expect(
    new SizeReader().read(Buffer.from('x}{"Width":0,"Height":3}{"Width":1e9,"Height":1}{"Width":80,"Height":24}')),
  ).toEqual([{ columns: 80, rows: 24 }]);
});
