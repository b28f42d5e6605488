// Which programs are found, and what is said of those that are not.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from './program.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-program-'));
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin', 'tool'), '', { mode: 0o755 });
  writeFileSync(join(dir, 'bin', 'text'), '', { mode: 0o644 });
  symlinkSync('loop', join(dir, 'loop'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each([
  ['tool', undefined],
  ['./bin/tool', undefined],
  ['bin/tool', undefined],
  ['nope', 'ENOENT'],
  ['./nope', 'ENOENT'],
  ['text', 'EACCES'],
  ['./bin', 'EACCES'],
])('%s: %s', (name, code) => {
  expect(findProgram(name, dir, `${dir}/bin`).code).toBe(code);
});

test('entries of PATH that cannot be looked into are passed over', () => {
  expect(findProgram('tool', dir, `${dir}/loop:${dir}/bin/text:${dir}/none:bin`).code).toBeUndefined();
  expect(findProgram('tool', dir, `${dir}/none`).code).toBe('ENOENT');
});
