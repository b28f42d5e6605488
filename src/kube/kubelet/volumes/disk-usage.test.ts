// What directories take of the disk, with real files.
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diskUsage } from './disk-usage.ts';

const MIB = 1024 * 1024;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-usage-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('files count with all below, once whatever names they have, and without their holes', async () => {
  mkdirSync(join(dir, 'deep/er'), { recursive: true });
  writeFileSync(join(dir, 'deep/er/file'), Buffer.alloc(MIB, 1));
  const one = await diskUsage(dir);
  expect(one).toBeGreaterThanOrEqual(MIB);
  expect(one).toBeLessThan(MIB + 100_000);
  linkSync(join(dir, 'deep/er/file'), join(dir, 'again'));
  symlinkSync('/usr', join(dir, 'elsewhere'));
  writeFileSync(join(dir, 'hole'), '');
  truncateSync(join(dir, 'hole'), 64 * MIB);
  expect(await diskUsage(dir)).toBeLessThan(one + 100_000);
});

test('what is not there takes nothing', async () => {
  expect(await diskUsage(join(dir, 'no'))).toBe(0);
});
