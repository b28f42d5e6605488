// Servers of an agent: they say who they are and whom they see, at once and again for every line or datagram.
// Knows no rule and no route.
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import type { Served } from './agent-words.ts';

export async function serve(name: string, { protocol, port, address }: Served): Promise<void> {
  const greeting = (seen: string): string => `${JSON.stringify({ by: `${name}:${port}`, seenAs: seen })}\n`;
  if (protocol === 'TCP') return await serveTcp(port, address, greeting);
  const isV6 = address.includes(':');
  const udp = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6, recvBufferSize: 1 << 20 });
  udp.on('message', (_, { address: from, port: at }) => udp.send(greeting(from), at, from, () => undefined));
  await new Promise<void>((resolve, reject) => {
    udp.once('error', reject);
    udp.bind(port, address, resolve);
  });
  // A client that went away says so; the server stays.
  udp.on('error', () => undefined);
}

async function serveTcp(port: number, address: string, greeting: (seen: string) => string): Promise<void> {
  const server = createServer({ noDelay: true }, (socket: Socket) => {
    const hello = greeting(socket.remoteAddress ?? '');
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write(hello));
    socket.write(hello);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, backlog: 4096, ipv6Only: address.includes(':') }, resolve);
  });
}
