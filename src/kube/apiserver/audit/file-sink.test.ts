// The audit log as a file: every line whole, in order, set aside by size, with the oldest let go.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { openFileSink } from './file-sink.ts';

let dir: string;
const clock = new FakeClock();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-audit-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (maxBytes: number, maxBackups: number) =>
  openFileSink({ path: join(dir, 'log', 'audit.log'), maxBytes, maxBackups, clock, log: silentLogger });
const written = (name: string): string[] =>
  readFileSync(join(dir, 'log', name), 'utf8')
    .trimEnd()
    .split('\n');

test('lines stand in the file in the order in which they came, after those of the last start', async () => {
  for (const start of [0, 100]) {
    const sink = await open(1_000_000, 0);
    for (let at = 0; at < 100; at++) sink.write(`line ${start + at}`);
    await sink.close();
  }
  expect(written('audit.log')).toEqual(Array.from({ length: 200 }, (_, at) => `line ${at}`));
  expect(statSync(join(dir, 'log', 'audit.log')).mode & 0o777).toBe(0o600);
});

test('a full file is set aside whole, and only so many are kept', async () => {
  const sink = await open(100, 2);
  // Nine octets and a newline each: ten to a file.
  for (let at = 0; at < 55; at++) sink.write(`line ${String(at).padStart(4, '0')}`);
  await sink.close();
  const names = readdirSync(join(dir, 'log')).sort();
  expect(names).toHaveLength(3);
  const aside = names.filter((name) => name !== 'audit.log');
  for (const name of aside) expect(name).toMatch(/^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/);
  expect([...aside, 'audit.log'].flatMap(written)).toEqual(
    Array.from({ length: 25 }, (_, at) => `line ${String(at + 30).padStart(4, '0')}`),
  );
});

test('a file that cannot be opened is a failure at once', async () => {
  await expect(openFileSink({ path: dir, maxBytes: 1, maxBackups: 0, clock, log: silentLogger })).rejects.toThrow(
    'EISDIR',
  );
});
