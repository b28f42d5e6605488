// Backups of a store that is written to meanwhile; and backups that are not whole, none of which is taken for one.
// Knows lines and stores; files and commands are the app's.
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryStore } from '../memory/index.ts';
import type { StoreRecord } from '../store.ts';
import { BackupError, BackupLines, BackupReader } from './format.ts';
import { eachLine, unpackedLines } from './lines.ts';
import { takeSnapshot } from './snapshot.ts';

const record = (index: number): StoreRecord => ({
  key: `/r/${String(index).padStart(4, '0')}`,
  value: `{"text":"ä\u2028${index}"}`,
  revision: index + 2,
  createRevision: 2,
});

function backup(count: number): string {
  const lines = new BackupLines();
  const made = [
    lines.header({ program: '1', created: '2026-01-01T00:00:00Z', revision: count + 2, objects: count }),
    lines.file('pki/ca.pem', Buffer.from('key')),
    ...Array.from({ length: count }, (_, index) => lines.record(record(index))),
  ];
  return [...made, lines.end()].join('');
}

async function readAll(chunks: Iterable<Uint8Array>): Promise<{ records: StoreRecord[]; files: string[] }> {
  const records: StoreRecord[] = [];
  const files: string[] = [];
  const reader = new BackupReader({
    record: (one) => records.push(one),
    file: (path, content) => files.push(`${path}=${content}`),
  });
  for await (const line of unpackedLines(Readable.from(chunks))) reader.line(line);
  reader.done();
  return { records, files };
}

it('reads what it has written', async () => {
  const { records, files } = await readAll([gzipSync(backup(30))]);
  expect(records).toEqual(Array.from({ length: 30 }, (_, index) => record(index)));
  expect(files).toEqual(['pki/ca.pem=key']);
});

it('refuses whatever was cut short or changed', async () => {
  const whole = gzipSync(backup(40));
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
      await expect(readAll([whole.subarray(0, length)])).rejects.toThrow(BackupError);
    }),
    { numRuns: 60 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 10, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, flip) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ flip;
        await expect(readAll([changed])).rejects.toThrow(BackupError);
      },
    ),
    { numRuns: 60 },
  );
});

it('refuses what somebody has edited, says what it is not, and never leads out of its directory', async () => {
  const text = backup(5);
  const reading = (changed: string): Promise<unknown> => readAll([gzipSync(changed)]);
  await expect(reading(text.replace('\u20283', '\u20284'))).rejects.toThrow('its checksum is wrong');
  const lines = text.split('\n');
  await expect(reading([...lines.slice(0, 3), ...lines.slice(4)].join('\n'))).rejects.toThrow(
    '4 objects where 5 belong',
  );
  await expect(reading('{"kind":"List"}\n')).rejects.toThrow('it is no backup of Evenkeel');
  await expect(reading(text.replace('"version":1', '"version":9'))).rejects.toThrow('it has version 9, and 1 is known');
  for (const path of ['../kubeconfig', '/etc/passwd', 'pki/../../x']) {
    await expect(reading(text.replace('pki/ca.pem', path))).rejects.toThrow('outside of the data directory');
  }
  await expect(readAll([Buffer.from('no gzip at all')])).rejects.toThrow('or no backup of Evenkeel');
});

it('cuts lines at breaks, wherever the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
      async (words, size) => {
        const lines = words.map((word) => word.replaceAll('\n', ' '));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const found: string[] = [];
        for await (const line of eachLine(Readable.from(chunks))) found.push(line);
        expect(found).toEqual(lines.map((line) => Buffer.from(line).toString()));
      },
    ),
  );
});

it('holds one moment, whatever is written and forgotten while it is read', async () => {
  const store = createMemoryStore();
  for (let index = 0; index < 1_200; index++) await store.put(`/r/${index}`, `${index}`, 0);
  const snapshot = takeSnapshot(store);
  const found: string[] = [];
  for (const page of snapshot.pages()) {
    for (const { key, value } of page) found.push(`${key}=${value}`);
    for (const { key, revision } of store.range('/r/').records.slice(0, 300)) await store.delete(key, revision);
    await store.put(`/new/${found.length}`, 'new', 0);
    await store.compact(store.revision());
  }
  expect(found.sort()).toEqual(Array.from({ length: 1_200 }, (_, index) => `/r/${index}=${index}`).sort());
  expect(snapshot).toMatchObject({ objects: 1_200, revision: 1_201 });
  snapshot.release();
  await store.compact(store.revision());
  expect(store.compacted()).toBe(store.revision());
});
