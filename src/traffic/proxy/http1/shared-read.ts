// Lets an accepted socket read into one buffer that all connections of the thread share, as `net.connect` can.
// Knows nothing of HTTP. Saves an allocation of 64 KiB and the stream queue on every read.

import { Socket, type SocketConstructorOpts } from 'node:net';
import { isOwned, type NextRead, nextMemory, sharedMemory } from './read-memory.ts';

/** Takes `memory[0, length)`. What is not `owned` is read into again after the call, what is only after `long`. */
export type OnBytes = (memory: Buffer, length: number, owned: boolean) => NextRead;

/** What is taken over from an accepted socket; Node.js offers `onread` to sockets that connect only. */
interface Inner {
  _handle?: object | null;
  _server?: object | null;
}

/**
 * The socket to use in place of `accepted`, which must be paused and without listeners; bytes that were put back into it
 * (`unshift`) come first. Where Node.js has no such
 * handle to hand over, the result is `accepted` itself, and `data` events bring its bytes.
 */
export function shareReads(accepted: Socket, onBytes: OnBytes): Socket {
  const from = accepted as Socket & Inner;
  const handle = from._handle;
  if (handle === null || handle === undefined) {
    accepted.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length, true));
    accepted.resume();
    return accepted;
  }
  let next: Buffer | undefined = sharedMemory;
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => {
        const changed = next;
        next = undefined;
        return changed;
      },
      callback: (length: number, memory: Buffer) => {
        next = nextMemory(memory, length, onBytes(memory, length, isOwned(memory, length)));
        return true;
      },
    },
  };
  const socket = new Socket(options as unknown as SocketConstructorOpts) as Socket & Inner;
  // The server counts its connections down through this field, once.
  socket._server = from._server ?? null;
  from._server = null;
  from._handle = null;
  // Without its handle it reads nothing new; what waits in it precedes everything that the new socket reads.
  const early: Buffer | null = accepted.readableLength > 0 ? accepted.read() : null;
  if (early !== null) {
    process.nextTick(() => {
      if (!socket.destroyed) onBytes(early, early.length, true);
    });
  }
  return socket;
}
