// Tests of where reads land.
// Pure; what readers make of it is tried with sockets in long-bodies.test.ts.

import { describe, expect, it } from 'vitest';
import { isOwned, nextMemory, sharedMemory } from './read-memory.ts';

const full = sharedMemory.length;

describe('the memory of reads', () => {
  it('stays the shared one as long as reads fit', () => {
    expect(nextMemory(sharedMemory, 100, 'short')).toBeUndefined();
    expect(nextMemory(sharedMemory, full, 'short')).toBeUndefined();
    expect(nextMemory(sharedMemory, full - 1, 'long')).toBeUndefined();
  });

  it('becomes larger memory of its own within a long body', () => {
    const own = nextMemory(sharedMemory, full, 'long');
    expect(own?.length).toBeGreaterThan(full);
  });

  it('is used again once nobody needs what is in it, and left alone while somebody does', () => {
    const own = nextMemory(sharedMemory, full, 'long') as Buffer;
    expect(nextMemory(own, own.length, 'long')).toBeUndefined();
    const other = nextMemory(own, own.length, 'kept');
    expect(other?.length).toBe(own.length);
    expect(other).not.toBe(own);
  });

  it('is the shared one again behind the body', () => {
    const own = nextMemory(sharedMemory, full, 'long') as Buffer;
    expect(nextMemory(own, 100, 'short')).toBe(sharedMemory);
  });

  it('serves the next long body when nobody needs it any more, and only then', () => {
    const own = nextMemory(sharedMemory, full, 'long') as Buffer;
    expect(nextMemory(own, 100, 'short')).toBe(sharedMemory);
    expect(nextMemory(sharedMemory, full, 'long')).not.toBe(own);
    expect(nextMemory(own, 100, 'free')).toBe(sharedMemory);
    expect(nextMemory(sharedMemory, full, 'long')).toBe(own);
    expect(nextMemory(sharedMemory, full, 'long')).not.toBe(own);
  });

  it('may be kept only when it is not shared and well filled', () => {
    const own = nextMemory(sharedMemory, full, 'long') as Buffer;
    expect(isOwned(own, own.length)).toBe(true);
    expect(isOwned(own, 100)).toBe(false);
    expect(isOwned(sharedMemory, full)).toBe(false);
  });
});
