// Where reads land: small ones in memory that all connections of the thread share, those of long bodies in their own.
// Knows nothing of HTTP. Own memory is handed on without a copy, and read into again once nobody needs it.

/** A read is consumed before the next one starts, so one buffer serves every connection of this thread. */
export const sharedMemory = Buffer.allocUnsafeSlow(64 * 1024);

/** Bytes of memory of its own for a long body: fewer system calls than the shared memory needs. */
const OWN_MEMORY = 128 * 1024;

/** A read of less is copied: keeping the whole buffer for it would cost more than that. */
const WORTH_KEEPING = OWN_MEMORY / 4;

/**
 * What a reader says of the next read. `short`: no long body is under way. `free`: none is, and nobody needs the bytes
 * of this read any more. `long`: one is, and nobody needs them either. `kept`: one is, and somebody does.
 */
export type NextRead = 'short' | 'free' | 'long' | 'kept';

/** Memory that waits for the next long body: making it anew would cost page faults and the collector's attention. */
const spare: Buffer[] = [];
const MOST_SPARE = 16;

/** Whether what was read into `memory` may be kept by whoever it is handed to. */
export function isOwned(memory: Buffer, length: number): boolean {
  return memory !== sharedMemory && length >= WORTH_KEEPING;
}

/** The memory to change to after a read of `length` bytes; undefined to stay with `memory`. */
export function nextMemory(memory: Buffer, length: number, next: NextRead): Buffer | undefined {
  if (memory === sharedMemory) {
    // What fitted was perhaps all there was: only a read that filled the memory is worth more of it.
    return (next === 'long' || next === 'kept') && length === memory.length ? ownMemory() : undefined;
  }
  if (next === 'long') return undefined;
  if (next === 'kept') return ownMemory();
  if (next === 'free' && memory.length === OWN_MEMORY && spare.length < MOST_SPARE) spare.push(memory);
  return sharedMemory;
}

function ownMemory(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(OWN_MEMORY);
}
