// A test file that is run in a guest sees the guest's kernel, memory and processes.
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { inGuest } from './tests-in-guest.ts';

inGuest(import.meta.url, 'tests of a file', { memoryMb: 384 }, () => {
  test('run in the guest', () => {
    expect(readFileSync('/proc/cmdline', 'utf8')).toContain('rootfstype=hostfs');
    expect(totalmem()).toBeLessThan(384 << 20);
    expect(readFileSync('/proc/1/comm', 'utf8')).toBe('init\n');
  });
});
