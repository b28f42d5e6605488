// The lock against real processes: held, released, left behind by a dead one.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock, isAlive, readInstance } from './instance-lock.ts';

let root = '';
let path = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'evenkeel-lock-'));
  path = join(root, 'instance.json');
});
afterEach(() => rmSync(root, { recursive: true }));

test('a second taker is told who holds it and what helps', () => {
  const lock = acquireLock(path, root);
  expect(() => acquireLock(path, root)).toThrow(`in use by process ${process.pid}`);
  lock.describe({ apiUrl: 'https://127.0.0.1:1' });
  expect(readInstance(path)).toMatchObject({ pid: process.pid, apiUrl: 'https://127.0.0.1:1' });
  lock.release();
  expect(existsSync(path)).toBe(false);
  acquireLock(path, root).release();
  expect(readdirSync(root)).toEqual([]);
});

test('what a dead process or a cut write left behind is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  for (const text of [JSON.stringify({ pid }), JSON.stringify({ pid: process.pid, startTicks: '1' }), '{"pi']) {
    writeFileSync(path, text);
    acquireLock(path, root).release();
  }
  expect(readdirSync(root)).toEqual([]);
  expect(isAlive({ pid })).toBe(false);
});
