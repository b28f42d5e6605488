// Fronts on loopback addresses: bytes and datagrams both ways, ends, refusals, and how much is held meanwhile.
// Which sources are dropped and how addresses are led here is the contract's matter.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { compilePort } from '#traffic/snapshot/rules/compile.ts';
import { PortChooser } from '#traffic/snapshot/rules/port-chooser.ts';
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { FrontContext, FrontDuty, OpenFront } from './front.ts';
import { DriverSockets } from './sockets.ts';
import { TcpFront } from './tcp-front.ts';
import { UdpFront } from './udp-front.ts';
import { Unreachable } from './unreachable.ts';

const LOCAL = '127.0.0.1';
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

let now = 0;
function contextOf(most = 100): FrontContext {
  const sockets = new DriverSockets(undefined);
  const unreachable = new Unreachable(sockets);
  ends.push(() => unreachable.close());
  return { sockets, unreachable, now: () => now, classOf: () => 'other', sessions: { count: 0, most } };
}

function rulesOf(protocol: 'TCP' | 'UDP', port: number, ...endpoints: readonly number[]): PortRules {
  const list = endpoints.map((one) => l4Endpoint(LOCAL, { port: one }));
  return compilePort(l4Port({ protocol, clusterIP: LOCAL, port, endpoints: list }), nodeFacts());
}

function dutyOf(rules: PortRules): FrontDuty {
  const [front] = rules.fronts;
  if (front === undefined) throw new Error('No front');
  // The first endpoint first, so that a test knows whom it asks.
  return { front, chooser: new PortChooser(rules, { random: () => 0 }), filter: undefined };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOCAL);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function openFront(front: OpenFront, port: number): Promise<void> {
  ends.push(() => front.destroy());
  await front.open({ family: 'IPv4', address: LOCAL, port, led: false });
}

async function serveTcp(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  server.listen(0, LOCAL);
  await once(server, 'listening');
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function tcpClient(...endpoints: readonly number[]): Promise<{ client: Socket; front: TcpFront }> {
  const port = await freePort();
  const front = new TcpFront(contextOf(), dutyOf(rulesOf('TCP', port, ...endpoints)));
  await openFront(front, port);
  const client = connect({ host: LOCAL, port, allowHalfOpen: true });
  ends.push(() => client.destroy());
  client.on('error', () => {});
  return { client, front };
}

it('an end of one side goes on to the other while bytes still come back', async () => {
  const endpoint = await serveTcp((socket) => {
    let asked = '';
    socket.on('data', (bytes) => {
      asked += bytes;
    });
    socket.on('end', () => socket.end(`you said ${asked}`));
  });
  const { client, front } = await tcpClient(endpoint);
  let answer = '';
  client.on('data', (bytes) => {
    answer += bytes;
  });
  client.end('all of it');
  await once(client, 'end');
  expect(answer).toBe('you said all of it');
  await eventually('the flow has ended', () => expect(front.flows).toBe(0));
});

it('reads no more than the slower side takes, and loses nothing', async () => {
  const total = 48 * 1024 * 1024;
  let reading: Socket | undefined;
  let received = 0;
  const endpoint = await serveTcp((socket) => {
    socket.pause();
    reading = socket;
  });
  const { client } = await tcpClient(endpoint);
  const chunk = Buffer.alloc(1024 * 1024, 7);
  let written = 0;
  const write = (): void => {
    while (written < total) {
      written += chunk.length;
      if (!client.write(chunk)) break;
    }
  };
  client.on('drain', write);
  write();
  let before = -1;
  await eventually('the client has to wait', () => {
    const stuck = written === before && client.writableLength > 0 && reading !== undefined;
    before = written;
    expect(stuck).toBe(true);
  });
  expect(written).toBeLessThan(total / 2);
  reading?.resume().on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  await eventually('everything has arrived', () => expect(received).toBe(total));
}, 60_000);

it('a reset goes on to the other side', async () => {
  const endpoint = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const { client, front } = await tcpClient(endpoint);
  client.write('?');
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  await eventually('the flow has ended', () => expect(front.flows).toBe(0));
});

it('asks another endpoint where one refuses, and refuses once all did', async () => {
  const dead = await freePort();
  const alive = await serveTcp((socket) => socket.end('here'));
  const { client } = await tcpClient(dead, alive);
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(String(answer)).toBe('here');
  const { client: other } = await tcpClient(dead);
  const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

it('connections outlive their front, which says when the last one has ended', async () => {
  const endpoint = await serveTcp((socket) => socket.on('data', (bytes) => socket.write(bytes)));
  const { client, front } = await tcpClient(endpoint);
  client.write('a');
  await once(client, 'data');
  let idle = false;
  front.close(() => {
    idle = true;
  });
  client.write('b');
  await once(client, 'data');
  expect(idle).toBe(false);
  client.resetAndDestroy();
  await eventually('the front is idle', () => expect(idle).toBe(true));
});

async function serveUdp(answer: (text: string) => string | undefined): Promise<number> {
  const socket = createSocket('udp4').bind(0, LOCAL);
  await once(socket, 'listening');
  ends.push(() => socket.close());
  socket.on('message', (datagram, { port, address }) => {
    const text = answer(String(datagram));
    if (text !== undefined) socket.send(text, port, address);
  });
  return socket.address().port;
}

async function udpFront(most: number, ...endpoints: readonly number[]) {
  const port = await freePort();
  const context = contextOf(most);
  const front = new UdpFront(context, dutyOf(rulesOf('UDP', port, ...endpoints)));
  await openFront(front, port);
  const change = (...others: readonly number[]): void => front.change(dutyOf(rulesOf('UDP', port, ...others)));
  const client = async (): Promise<UdpSocket> => {
    const socket = createSocket('udp4').bind(0, LOCAL);
    ends.push(() => socket.close());
    await once(socket, 'listening');
    return socket;
  };
  const ask = async (socket: UdpSocket, text = '?'): Promise<string> => {
    const answered = once(socket, 'message');
    socket.send(text, port, LOCAL);
    const [datagram] = (await answered) as [Buffer];
    return String(datagram);
  };
  return { front, port, sessions: context.sessions, change, client, ask };
}

it('sessions end after silence, an answered one later than others', async () => {
  const endpoint = await serveUdp((text) => (text === 'hush' ? undefined : 'a'));
  const { front, port, sessions, client, ask } = await udpFront(100, endpoint);
  expect(await ask(await client())).toBe('a');
  (await client()).send('hush', port, LOCAL);
  await eventually('there are two sessions', () => expect(sessions.count).toBe(2));
  now += 31_000;
  front.sweep(now);
  expect(sessions.count).toBe(1);
  now += 120_000;
  front.sweep(now);
  expect(sessions.count).toBe(0);
});

it('who was never answered makes room, and who was answered does not', async () => {
  const endpoint = await serveUdp((text) => (text === 'hush' ? undefined : 'a'));
  const { port, sessions, client, ask } = await udpFront(2, endpoint);
  const quiet = await client();
  quiet.send('hush', port, LOCAL);
  await eventually('there is a session', () => expect(sessions.count).toBe(1));
  const [first, second] = [await client(), await client()];
  expect(await ask(first)).toBe('a');
  expect(await ask(second)).toBe('a');
  expect(sessions.count).toBe(2);
  (await client()).send('?', port, LOCAL);
  // The answer to a later datagram says that the one before was seen to.
  expect(await ask(first)).toBe('a');
  expect(sessions.count).toBe(2);
});

it('a session leaves an endpoint that serves no more, and what that says still arrives', async () => {
  const late: (() => void)[] = [];
  const socket = createSocket('udp4').bind(0, LOCAL);
  await once(socket, 'listening');
  ends.push(() => socket.close());
  socket.on('message', (_, { port, address }) => late.push(() => socket.send('late', port, address)));
  const other = await serveUdp(() => 'b');
  const { front, port, sessions, change, client, ask } = await udpFront(100, socket.address().port);
  const asking = await client();
  asking.send('?', port, LOCAL);
  await eventually('it was asked', () => expect(late).toHaveLength(1));
  change(other);
  expect(await ask(asking)).toBe('b');
  const arrived = once(asking, 'message');
  late[0]?.();
  expect(String((await arrived)[0])).toBe('late');
  now += 6_000;
  front.sweep(now);
  expect(sessions.count).toBe(1);
});
