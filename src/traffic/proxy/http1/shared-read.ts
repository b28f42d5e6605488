// Lets an accepted socket, with or without TLS, read into memory that all connections of the thread share.
// Knows nothing of HTTP. Saves an allocation and the stream queue on every read.

import { Socket, type SocketConstructorOpts } from 'node:net';
import { isOwned, type NextRead, nextMemory, sharedMemory } from './read-memory.ts';

/** Takes `memory[0, length)`. What is not `owned` is read into again after the call, what is only after `long`. */
export type OnBytes = (memory: Buffer, length: number, owned: boolean) => NextRead;

/**
 * Node.js offers `onread` to sockets that connect, only. What it makes of the option is the same for all sockets:
 * three fields, and one call of the handle. Here they are set on a socket that was accepted.
 */
interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

const fields = findFields();

/**
 * Gives what `socket` reads to `onBytes`, in place of whoever got it before; `data` events end. It must be without
 * `data` listeners; bytes that were put back into it (`unshift`) come first. Where Node.js has no such fields, `data`
 * events bring the bytes, in memory of their own.
 */
export function shareReads(socket: Socket, onBytes: OnBytes): void {
  const handle = (socket as Socket & { _handle?: Handle | null })._handle;
  if (fields === undefined || typeof handle?.useUserBuffer !== 'function') {
    socket.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length, true));
    socket.resume();
    return;
  }
  // Before anything that is read from here on.
  const early: Buffer | null = socket.readableLength > 0 ? socket.read() : null;
  const inner = socket as unknown as Record<symbol, unknown>;
  let next: Buffer | undefined;
  inner[fields.callback] = (length: number, memory: Buffer): boolean => {
    next = nextMemory(memory, length, onBytes(memory, length, isOwned(memory, length)));
    return true;
  };
  inner[fields.generator] = (): Buffer | undefined => next;
  if (!inner[fields.buffer]) {
    inner[fields.buffer] = sharedMemory;
    handle.useUserBuffer(sharedMemory);
  }
  if (early !== null) {
    process.nextTick(() => {
      if (!socket.destroyed) onBytes(early, early.length, true);
    });
  }
  socket.resume();
}

function findFields(): Fields | undefined {
  const onread = { buffer: new Uint8Array(1), callback: () => true };
  const symbols = Object.getOwnPropertySymbols(new Socket({ onread } as SocketConstructorOpts));
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name);
  const [buffer, callback, generator] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')];
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}
