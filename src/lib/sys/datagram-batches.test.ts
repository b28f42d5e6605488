// Datagrams by the batch against real sockets of Node: all arrive, answers find their way back, from the address asked.
// Loopback alone.
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { DatagramBatches, datagramBatchesObstacle, SLOT } from './datagram-batches.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Answers each datagram with itself and an exclamation mark. */
function echo(address: string, port = 0): DatagramBatches {
  const batches = new DatagramBatches(address, port);
  open.push(batches);
  batches.watch(() => {
    for (let count = batches.receive(); count > 0; count = batches.receive()) {
      for (let at = 0; at < count; at++) {
        const { received, answers, answerAt } = batches;
        const length = batches.lengthOf(at);
        received.copy(answers, answerAt, at * SLOT, at * SLOT + length);
        answers[answerAt + length] = 0x21;
        batches.answer(at, length + 1);
      }
      expect(batches.flush()).toBe(0);
    }
  });
  return batches;
}

function client(address: string): Socket {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  open.push(socket);
  return socket;
}

/** What came back, in order, and from where. */
function answersTo(socket: Socket, texts: readonly string[], port: number, address: string): Promise<string[]> {
  return new Promise((resolve) => {
    const got: string[] = [];
    socket.on('message', (bytes, from) => {
      got.push(`${bytes} from ${from.address}`);
      if (got.length === texts.length) resolve(got);
    });
    for (const text of texts) socket.send(text, port, address);
  });
}

describe.runIf(kernelAllows(datagramBatchesObstacle(), 'datagrams by the batch'))('datagrams by the batch', () => {
  it.each(['127.0.0.1', '::1'])('come and are answered, more of them than one batch takes: %s', async (address) => {
    const batches = echo(address);
    const texts = Array.from({ length: 100 }, (_, at) => `question ${at}`);
    const got = await answersTo(client(address), texts, batches.port, address);
    expect(got).toEqual(texts.map((text) => `${text}! from ${address}`));
  });

  it.each([
    ['0.0.0.0', '127.0.0.77'],
    ['::', '::1'],
  ])('at all addresses (%s) answers come from the one that was asked', async (all, asked) => {
    const batches = echo(all);
    expect(await answersTo(client(asked), ['a', 'b'], batches.port, asked)).toEqual([
      `a! from ${asked}`,
      `b! from ${asked}`,
    ]);
  });

  it('can be answered later, one by one, after others have come', async () => {
    const batches = new DatagramBatches('0.0.0.0', 0);
    open.push(batches);
    const waiting: (() => void)[] = [];
    batches.watch(() => {
      for (let count = batches.receive(); count > 0; count = batches.receive()) {
        for (let at = 0; at < count; at++) {
          const text = batches.received.toString('latin1', at * SLOT, at * SLOT + batches.lengthOf(at));
          const peer = batches.peer(at);
          waiting.push(() => expect(batches.sendTo(peer, Buffer.from(`late ${text}`))).toBe(true));
        }
      }
      if (waiting.length === 2) for (const answer of waiting.reverse()) answer();
    });
    const both = ['127.0.0.1', '127.0.0.78'].map((address) =>
      answersTo(client(address), [address], batches.port, address),
    );
    expect(await Promise.all(both)).toEqual([['late 127.0.0.1 from 127.0.0.1'], ['late 127.0.0.78 from 127.0.0.78']]);
  });

  it('says why it cannot listen', () => {
    const { port } = echo('127.0.0.1');
    expect(() => new DatagramBatches('127.0.0.1', port)).toThrow('EADDRINUSE');
    expect(() => new DatagramBatches('192.0.2.1', 0)).toThrow(/EADDRNOTAVAIL/);
  });
});
