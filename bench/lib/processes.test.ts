// Tests of reading /proc.
// The texts are as Linux writes them; only the last test looks at a real process, this one.

import { describe, expect, it } from 'vitest';
import { cpuSeconds, isInstalled, memoryBytes, openFilesOf, pssKiB, statTicks, threadSeconds } from './processes.ts';

describe('/proc', () => {
  it('has the ticks behind a name that looks like fields', () => {
    expect(statTicks('42 (a) b (c 1 2) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 3 4 20 0 1 0 12 1 1')).toBe(300);
  });

  it('has the proportional set size among others', () => {
    expect(pssKiB('55d0-7ffe ---p [rollup]\nRss:   900 kB\nPss:   512 kB\nPss_Dirty:  100 kB\n')).toBe(512);
    expect(pssKiB('')).toBe(0);
  });

  it('has the limit of open files', () => {
    const text =
      'Limit   Soft Limit   Hard Limit   Units\nMax open files            1024                 20000                files\n';
    expect(openFilesOf(text)).toBe(1024);
    expect(openFilesOf(text.replace('1024', 'unlimited'))).toBe(Number.POSITIVE_INFINITY);
  });

  it.runIf(process.platform === 'linux')('tells what this process used', () => {
    expect(cpuSeconds(process.pid)).toBeGreaterThan(0);
    expect(memoryBytes(process.pid)).toBeGreaterThan(1024 * 1024);
    expect(threadSeconds(process.pid).has(process.pid)).toBe(true);
  });
});

describe('isInstalled', () => {
  it('tells a program from a name', () => {
    expect(isInstalled('sh')).toBe(true);
    expect(isInstalled('no-such-program-anywhere')).toBe(false);
  });
});
