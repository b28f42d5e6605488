// DNS servers for tests, and clients that ask them: bytes over UDP and TCP.
// Everything it opened it closes again.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { DnsPart } from '#traffic/model/dns/ir-dns.ts';
import { type DnsServer, type DnsServerOptions, startDnsServer } from '../dns-server.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { FrameReader, frame } from '../wire/frames.ts';
import { type Message, message, types } from '../wire/message.ts';

export const HOST = '127.0.0.1';

export class DnsLab {
  readonly #closers: (() => Promise<void>)[] = [];

  after(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async server(
    names: DnsPart = new Map(),
    options: Partial<DnsServerOptions> = {},
  ): Promise<DnsServer & { readonly port: number }> {
    const server = await startDnsServer({
      listen: [{ address: HOST, port: 0 }],
      domain: 'cluster.local',
      ranges: ['10.96.0.0/16', '10.244.0.0/16'],
      upstreams: () => [],
      log: silentLogger,
      clock: systemClock,
      ...options,
    });
    this.after(() => server.close());
    server.publish(new Map([['test', names]]));
    return { ...server, port: server.endpoints[0]?.port ?? 0 };
  }

  /** A resolver that does as it is told. Returns its port and how often it was asked. */
  async resolver(
    answer: (query: Message, bytes: Buffer, port: number) => Message | Buffer | undefined,
  ): Promise<{ readonly port: number; readonly asked: () => number; close(): Promise<void> }> {
    const socket = createSocket('udp4');
    let asked = 0;
    socket.on('message', (bytes, from) => {
      const query = decode(bytes);
      if (query === undefined) return;
      // What a server asks to find loops is no question of a client.
      if (query.questions[0]?.type !== types.HINFO) asked += 1;
      const reply = answer(query, bytes, from.port);
      if (reply !== undefined)
        socket.send(Buffer.isBuffer(reply) ? reply : encode(reply, 65_535), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
    const { port } = socket.address();
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= new Promise((resolve) => socket.close(() => resolve()));
      return closing;
    };
    this.after(close);
    return { port, asked: () => asked, close };
  }
}

export function query(name: string, type: number = types.A, more: Partial<Message> = {}): Message {
  return message({ id: 7, recursionDesired: true, questions: [{ name, type, class: 1 }], ...more });
}

/** Sends `bytes` and resolves with the first datagram that comes back. */
export function overUdp(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.on('error', reject);
    socket.on('message', (reply) => {
      socket.close();
      resolve(reply);
    });
    socket.send(bytes, port, HOST);
  });
}

export async function askUdp(port: number, asked: Message): Promise<Message> {
  const reply = decode(await overUdp(port, encode(asked, 65_535)));
  if (reply === undefined) throw new Error('The answer is no message');
  return reply;
}

/** Sends all at once on one connection; resolves when as many answers have come. */
export function askTcp(port: number, asked: readonly Message[]): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () =>
      socket.end(Buffer.concat(asked.map((each) => frame(encode(each, 65_535))))),
    );
    const frames = new FrameReader();
    const replies: Message[] = [];
    socket.on('data', (chunk) => {
      for (const bytes of frames.push(chunk as Buffer)) {
        const reply = decode(bytes);
        if (reply !== undefined) replies.push(reply);
      }
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(replies));
  });
}
