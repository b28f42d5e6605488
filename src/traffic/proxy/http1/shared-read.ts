// Lets an accepted socket read into one buffer that all connections of the thread share, as `net.connect` can.
// Knows nothing of HTTP. Saves an allocation of 64 KiB and the stream queue on every read.

import { Socket, type SocketConstructorOpts } from 'node:net';

/** Takes `buffer[0, length)`, whose memory is read into again as soon as the call returns. */
export type OnBytes = (buffer: Buffer, length: number) => void;

const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

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
    accepted.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length));
    accepted.resume();
    return accepted;
  }
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback: (length: number) => {
        onBytes(readBuffer, length);
        return true;
      },
    },
  };
  const socket = new Socket(options as SocketConstructorOpts) as Socket & Inner;
  // The server counts its connections down through this field, once.
  socket._server = from._server ?? null;
  from._server = null;
  from._handle = null;
  // Without its handle it reads nothing new; what waits in it precedes everything that the new socket reads.
  const early: Buffer | null = accepted.readableLength > 0 ? accepted.read() : null;
  if (early !== null) {
    process.nextTick(() => {
      if (!socket.destroyed) onBytes(early, early.length);
    });
  }
  return socket;
}
