// One TCP address of the DNS server: many questions on a connection, answered as their answers come (RFC 7766).
// Knows nothing of what is in a message.
import { createServer, type Socket } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import type { DnsMetrics } from '../metrics.ts';
import { FrameReader, frame } from '../wire/frames.ts';
import type { Endpoint } from './endpoint.ts';
import type { Responder } from './responder.ts';

/** Milliseconds that a connection may rest. */
const IDLE_MS = 10_000;
/** Questions of one connection that are answered at a time; then it is read no further. */
const MAX_PENDING = 64;
/** Bytes of answers that a client may leave unread before it is read no further. */
const MAX_UNREAD = 256 * 1024;
const MAX_CONNECTIONS = 512;
/** Of one address: nobody can take them all. */
const MAX_OF_CLIENT = 128;

/** Rejects with what binding threw. */
export function listenTcp(
  address: string,
  port: number,
  responder: Responder,
  metrics: DnsMetrics,
  clock: Clock,
): Promise<Endpoint> {
  const connections = new Set<Socket>();
  const byClient = new Map<string, number>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const client = socket.remoteAddress ?? '';
    const others = byClient.get(client) ?? 0;
    if (others >= MAX_OF_CLIENT) {
      metrics.dropped('overload');
      socket.destroy();
      return;
    }
    byClient.set(client, others + 1);
    connections.add(socket);
    socket.on('close', () => {
      connections.delete(socket);
      const left = (byClient.get(client) ?? 1) - 1;
      if (left > 0) byClient.set(client, left);
      else byClient.delete(client);
    });
    serve(socket, client, responder, clock);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => metrics.dropped('overload'));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => {
      server.off('error', reject);
      // Accepting may fail for want of descriptors; the next one may succeed.
      server.on('error', () => metrics.dropped('overload'));
      resolve({
        address,
        port: (server.address() as { port: number }).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of connections) socket.destroy();
          }),
      });
    });
  });
}

function serve(socket: Socket, client: string, responder: Responder, clock: Clock): void {
  const frames = new FrameReader();
  const waiting: Buffer[] = [];
  let pending = 0;
  let cancelIdle = clock.after(IDLE_MS, () => socket.destroy());
  const touch = (): void => {
    cancelIdle();
    cancelIdle = clock.after(IDLE_MS, () => socket.destroy());
  };
  const write = (answer: Buffer | undefined): void => {
    if (answer !== undefined && socket.writable) socket.write(frame(answer));
  };
  const work = (): void => {
    while (waiting.length > 0 && pending < MAX_PENDING && socket.writableLength < MAX_UNREAD) {
      const answer = responder.respond(waiting.shift() as Buffer, 'tcp', client);
      if (!(answer instanceof Promise)) write(answer);
      else {
        pending += 1;
        void answer.then((late) => {
          pending -= 1;
          write(late);
          work();
        });
      }
    }
    if (waiting.length > 0) socket.pause();
    else if (socket.isPaused()) socket.resume();
    if (socket.readableEnded && waiting.length === 0 && pending === 0) socket.end();
  };
  socket.on('data', (chunk: Buffer) => {
    const messages = frames.push(chunk);
    // A message that never comes to its end does not keep a connection.
    if (messages.length > 0) touch();
    waiting.push(...messages);
    work();
  });
  socket.on('drain', work);
  // A client that has asked everything may close its side and still read.
  socket.on('end', work);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => cancelIdle());
}
