// Real stores, really damaged: what is saved of them is what was written, and what is not is named.
// Knows the store and files; SQLite is not asked.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { openSqliteStore } from '../sqlite/index.ts';
import type { Store } from '../store.ts';
import { salvage } from './index.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-salvage-'));
  file = join(directory, 'store.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (): Store => openSqliteStore(file, { clock: systemClock });
const read = (path = file): ReturnType<typeof salvage> => salvage(path, (value) => value.startsWith('{'));
/** Some fit into a page, some go over many. */
const textOf = (index: number): string =>
  JSON.stringify({ index, text: `${index} `.repeat(index % 7 === 0 ? 3_000 : 20) });

async function fill(store: Store, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => store.put(`/r/k${index}`, textOf(index), 0)));
}

it('reads a sound store as SQLite does, its log included', async () => {
  const store = open();
  await fill(store, 300);
  for (let index = 0; index < 40; index++) await store.delete(`/r/k${index}`, store.get(`/r/k${index}`)?.revision ?? 0);
  for (let index = 20; index < 30; index++) await store.put(`/r/k${index}`, textOf(index + 1), 0);
  await store.compact(store.revision() - 20);
  // Not closed: most of it is in the log only.
  const { records, revision, lost } = read();
  expect(records).toEqual(store.range('/').records);
  expect(revision).toBe(store.revision());
  expect(lost).toEqual([]);
  await store.close();
  expect(read().records).toEqual(records);
});

it('keeps the others and names the object when a byte of its value has changed', async () => {
  const store = open();
  await fill(store, 100);
  await store.put('/r/secret', '{"text":"hidden"}', 0);
  await store.close();
  const bytes = readFileSync(file);
  bytes[bytes.lastIndexOf('hidden')] = 0x21;
  writeFileSync(file, bytes);
  const { records, lost } = read();
  expect(records).toHaveLength(100);
  expect(lost).toEqual(['"/r/secret" cannot be read']);
});

it('keeps everything when the first page, by which SQLite knows a database, is gone', async () => {
  const store = open();
  await fill(store, 100);
  await store.close();
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 0, 4096);
  writeFileSync(file, bytes);
  expect(open).toThrow('damaged');
  expect(read()).toMatchObject({ lost: [] });
  expect(read().records).toHaveLength(100);
});

it('keeps what is left of a file that was cut short, and names the rest', async () => {
  const store = open();
  await fill(store, 200);
  const all = store.range('/').records;
  await store.close();
  truncateSync(file, Math.floor(readFileSync(file).length / 2));
  const { records, lost } = read();
  expect(records.length).toBeGreaterThan(20);
  expect(records.length).toBeLessThan(200);
  expect(all).toEqual(expect.arrayContaining([...records]));
  const kept = new Set(records.map(({ key }) => key));
  for (const line of lost.filter((one) => one.startsWith('"'))) expect(kept.has(line.split('"')[1] ?? '')).toBe(false);
});

it('keeps what was written before the log when that is missing', async () => {
  const store = open();
  await fill(store, 50);
  await store.close();
  const again = open();
  await again.put('/r/late', '{}', 0);
  const copy = join(directory, 'copy.db');
  copyFileSync(file, copy);
  await again.close();
  expect(read(copy).records).toHaveLength(50);
});

it('saves nothing that was not written, whatever bytes are changed', async () => {
  const store = open();
  await fill(store, 60);
  for (let index = 0; index < 10; index++) await store.put(`/r/k${index}`, textOf(index + 100), index + 2);
  const written = new Map(store.range('/').records.map(({ key, value }) => [key, [value]]));
  for (let index = 0; index < 10; index++) written.get(`/r/k${index}`)?.push(textOf(index));
  await store.close();
  const sound = readFileSync(file);
  const damaged = join(directory, 'damaged.db');
  const change = fc.record({
    at: fc.nat(sound.length - 1),
    length: fc.integer({ min: 1, max: 5_000 }),
    byte: fc.nat(255),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const bytes = Buffer.from(sound);
      for (const { at, length, byte } of changes) bytes.fill(byte, at, Math.min(bytes.length, at + length));
      writeFileSync(damaged, bytes);
      for (const { key, value } of read(damaged).records) expect(written.get(key)).toContain(value);
    }),
    { numRuns: 60 },
  );
});
