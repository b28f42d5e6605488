// Writes what was read on one socket to another, without new memory where the other takes it at once.
// Knows nothing of who reads and when to stop.

import type { Socket } from 'node:net';
import type { NextRead } from '../http1/read-memory.ts';

const SIZE = 64 * 1024;
/** Reads of less say that no long run of bytes is under way. */
const LONG = 16 * 1024;

let scratch = Buffer.allocUnsafeSlow(SIZE);

/** Writes `bytes[0, length)`; what is not `owned` is read into again after this call. Says what the next read needs. */
export function relay(to: Socket, bytes: Buffer, length: number, owned: boolean): NextRead {
  if (owned) {
    to.write(bytes.subarray(0, length));
    return to.writableLength > 0 ? 'kept' : 'long';
  }
  if (length <= SIZE) writeCopy(to, bytes, length);
  else to.write(Buffer.from(bytes.subarray(0, length)));
  return length < LONG ? 'short' : 'long';
}

function writeCopy(to: Socket, bytes: Buffer, length: number): void {
  bytes.copy(scratch, 0, 0, length);
  to.write(scratch.subarray(0, length));
  // Not all has gone: these bytes wait where they are, and others have to go elsewhere.
  if (to.writableLength > 0) scratch = Buffer.allocUnsafeSlow(SIZE);
}
