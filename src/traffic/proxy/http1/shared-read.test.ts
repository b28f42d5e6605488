// Tests of sharing the memory of reads: it rests on fields of Node.js's own, so a change of them has to show here.
// Knows sockets only.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from '#traffic/identity/authority.ts';
import { sharedMemory } from './read-memory.ts';
import { shareReads } from './shared-read.ts';

const open: (Server | Socket)[] = [];

afterEach(() => {
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy();
    else one.close();
  }
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Seen {
  readonly text: string;
  readonly shared: boolean;
  readonly owned: boolean;
}

/** What the reader of an accepted socket is given until it has all of `expected`. */
function reads(socket: Socket, expected: string): Promise<Seen[]> {
  return new Promise((resolve) => {
    const seen: Seen[] = [];
    shareReads(socket, (memory, length, owned) => {
      seen.push({ text: memory.toString('latin1', 0, length), shared: memory === sharedMemory, owned });
      if (seen.map(({ text }) => text).join('') === expected) resolve(seen);
      return 'short';
    });
  });
}

describe('an accepted socket', () => {
  it('reads into the shared memory', async () => {
    const accepted = new Promise<Socket>((resolve) => {
      const server = createServer({ pauseOnConnect: true }, resolve);
      void listen(server).then((port) => open.push(connect(port, '127.0.0.1').end('hello')));
    });
    expect(await reads(await accepted, 'hello')).toEqual([{ text: 'hello', shared: true, owned: false }]);
  });

  it('gives what was put back first, and what follows to a second reader only', async () => {
    const accepted = new Promise<Socket>((resolve) => {
      const server = createServer({ pauseOnConnect: true }, resolve);
      void listen(server).then((port) => open.push(connect(port, '127.0.0.1').end('hello')));
    });
    const socket = await accepted;
    await reads(socket, 'hello');
    socket.pause();
    socket.unshift(Buffer.from('hello again'));
    expect(await reads(socket, 'hello again')).toEqual([{ text: 'hello again', shared: false, owned: true }]);
  });

  it('says when its peer has ended', async () => {
    const accepted = new Promise<Socket>((resolve) => {
      const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, resolve);
      void listen(server).then((port) => open.push(connect(port, '127.0.0.1').end('hello')));
    });
    const socket = await accepted;
    const ended = new Promise((resolve) => socket.on('end', resolve));
    await reads(socket, 'hello');
    await ended;
  });

  it('reads what TLS decrypts into the shared memory too', async () => {
    const pair = await (await createAuthority({ commonName: 'test' })).issue({
      commonName: 'test',
      ips: ['127.0.0.1'],
    });
    const accepted = new Promise<Socket>((resolve) => {
      const server = createTlsServer({ cert: pair.certPem, key: pair.keyPem }, resolve);
      void listen(server).then((port) => {
        open.push(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).end('hello'));
      });
    });
    expect(await reads(await accepted, 'hello')).toEqual([{ text: 'hello', shared: true, owned: false }]);
  });
});
