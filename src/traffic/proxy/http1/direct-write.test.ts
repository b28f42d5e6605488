// Tests of writing past the stream's queue: order, long texts, peers that do not read or are gone.
// It rests on a call of Node.js's own, so a change of that has to show here.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isBlocked, isSettled, writeText } from './direct-write.ts';

const open: (Server | Socket)[] = [];

afterEach(() => {
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy();
    else one.close();
  }
});

/** An accepted socket, and the client at its other end, which does not read yet. */
function pair(): Promise<{ socket: Socket; client: Socket }> {
  return new Promise((resolve) => {
    let client: Socket;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      open.push(socket);
      resolve({ socket, client });
    });
    open.push(server);
    server.listen(0, '127.0.0.1', () => {
      client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
      open.push(client);
    });
  });
}

async function readAll(client: Socket): Promise<string> {
  let text = '';
  client.setEncoding('latin1');
  for await (const piece of client) text += piece;
  return text;
}

const long = Array.from({ length: 1_500_000 }, (_, i) => `${i},`).join('');

describe('a text', () => {
  it('has left when the call returns, byte for byte', async () => {
    const { socket, client } = await pair();
    writeText(socket, 'caf\u00e9 \u0000\u00ff');
    expect(socket.writableLength).toBe(0);
    // Nothing of it went through the stream.
    expect(socket.writableNeedDrain).toBe(false);
    socket.end();
    expect(await readAll(client)).toBe('caf\u00e9 \u0000\u00ff');
  });

  it('comes whole where the kernel takes only a part of it, before all that is written later', async () => {
    const { socket, client } = await pair();
    writeText(socket, long);
    writeText(socket, 'second,');
    socket.write('third,');
    writeText(socket, 'last');
    // What comes later waits where it is counted.
    expect(socket.writableLength).toBe('second,third,last'.length);
    socket.end();
    expect((await readAll(client)) === `${long}second,third,last`).toBe(true);
  });

  it('is to be waited for only where a part of it is open', async () => {
    const { socket, client } = await pair();
    writeText(socket, 'short,');
    expect(isBlocked(socket)).toBe(false);
    expect(isSettled(socket)).toBe(true);
    writeText(socket, long);
    expect(isBlocked(socket)).toBe(true);
    expect(isSettled(socket)).toBe(false);
    const drained = new Promise((resolve) => socket.on('drain', resolve));
    client.resume();
    await drained;
    expect(isBlocked(socket)).toBe(false);
    expect(isSettled(socket)).toBe(true);
  });

  it('leaves a socket that can be written to again', async () => {
    const { socket, client } = await pair();
    writeText(socket, long);
    const text = readAll(client);
    // Once what waits has left, the next text goes past the stream as the first did.
    await new Promise((resolve) => socket.write('between,', resolve));
    writeText(socket, 'after');
    expect(socket.writableLength).toBe(0);
    socket.end();
    expect((await text) === `${long}between,after`).toBe(true);
  });

  it('waits behind what the stream has', async () => {
    const { socket, client } = await pair();
    socket.cork();
    socket.write('first,');
    writeText(socket, 'second');
    socket.uncork();
    socket.end();
    expect(await readAll(client)).toBe('first,second');
  });

  it('closes the socket when the peer is gone', async () => {
    const { socket, client } = await pair();
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    client.resetAndDestroy();
    const write = (): void => {
      if (socket.destroyed) return;
      writeText(socket, 'x');
      setImmediate(write);
    };
    write();
    await closed;
  });
});
