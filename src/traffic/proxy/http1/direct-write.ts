// Writes a short message to a plain socket at once, past the queue of its stream, as nearly every message can be.
// Knows nothing of HTTP. Saves the stream's bookkeeping and its turn of `process.nextTick` on every write.

import type { Socket } from 'node:net';

/** What Node.js's streams themselves write with: 0 when all of it has left, below 0 for an error, else what is open. */
interface Handle {
  writeLatin1String?(request: null, text: string): number | OpenWrite;
}

/** A write of which the kernel took only a part; the rest is kept by Node.js. */
interface OpenWrite {
  handle?: Handle;
  oncomplete?: (status: number) => void;
  /** Set when it was over before anyone could ask. */
  writeStatus?: number | null;
}

interface Inner {
  _handle?: Handle | null;
  readonly encrypted?: boolean;
}

/** Writes Latin-1 `text`, in the order of all writes; whether to wait for `drain` afterwards, `isBlocked` tells. */
export function writeText(socket: Socket, text: string): void {
  const { _handle: handle, encrypted } = socket as Inner;
  // Whatever waits, connects or encrypts goes the usual way.
  if (
    handle?.writeLatin1String === undefined ||
    encrypted === true ||
    socket.writableLength > 0 ||
    socket.writableCorked > 0 ||
    socket.connecting ||
    !socket.writable
  ) {
    socket.write(text, 'latin1');
    return;
  }
  const result = handle.writeLatin1String(null, text);
  if (result === 0) return;
  if (typeof result === 'number') socket.destroy(new Error(`Cannot write: system error ${-result}`));
  else awaitRest(socket, handle, result);
}

/** Everything written has left. */
export function isSettled(socket: Socket): boolean {
  return socket.writableLength === 0 && socket.writableCorked === 0;
}

/**
 * Whether to wait for `drain`. A write as long as the high-water mark is asked to be waited for even when the kernel
 * took all of it at once: then there is nothing to wait for.
 */
export function isBlocked(socket: Socket): boolean {
  return (socket.writableNeedDrain && socket.writableLength > 0) || socket.writableCorked > 0;
}

/** What is written meanwhile waits in the stream, where it is counted; `drain` follows in any case. */
function awaitRest(socket: Socket, handle: Handle, open: OpenWrite): void {
  const status = open.writeStatus;
  if (typeof status === 'number') {
    if (status < 0) socket.destroy(new Error(`Cannot write: system error ${-status}`));
    return;
  }
  socket.cork();
  open.handle = handle;
  open.oncomplete = (done) => {
    if (done < 0) {
      socket.destroy(new Error(`Cannot write: system error ${-done}`));
      return;
    }
    socket.uncork();
    if (!socket.writableNeedDrain) socket.emit('drain');
  };
}
