// Holds the SQLite store to the contract, and to what a file adds: reopening, locking, damage.
// Knows nothing of the API server above it.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { storeContract } from '../store.contract.ts';
import { DamagedRecordError } from '../store.ts';
import { openSqliteStore, StoreFileError } from './index.ts';

const makeDirectory = () => mkdtempSync(join(tmpdir(), 'evenkeel-store-'));
const remove = (directory: string) => rmSync(directory, { recursive: true, force: true });

storeContract('sqlite', () => {
  const directory = makeDirectory();
  return {
    open: (options) => openSqliteStore(join(directory, 'store.db'), { clock: systemClock, ...options }),
    cleanUp: () => remove(directory),
  };
});

describe('sqlite store file', () => {
  let directory: string;
  let file: string;
  const open = () => openSqliteStore(file, { clock: systemClock });
  beforeEach(() => {
    directory = makeDirectory();
    file = join(directory, 'store.db');
  });
  afterEach(() => remove(directory));

  it('finds everything again after it was closed, and never gives a revision out twice', async () => {
    const first = open();
    await first.put('/a', 'one', 0);
    await first.put('/b', 'two', 0);
    await first.delete('/b', 3);
    await first.compact(4);
    await first.close();
    const second = open();
    expect(second.range('/').records).toEqual([{ key: '/a', value: 'one', revision: 2, createRevision: 2 }]);
    expect(second.compacted()).toBe(4);
    expect(await second.put('/c', 'three', 0)).toEqual({ ok: true, revision: 5 });
    await second.close();
  });

  it('commits what still waits when it is closed', async () => {
    const store = open();
    const write = store.put('/a', 'one', 0);
    await store.close();
    expect(await write).toEqual({ ok: true, revision: 2 });
    const again = open();
    expect(again.get('/a')?.value).toBe('one');
    await again.close();
  });

  it('shares one commit among writes of the same turn', async () => {
    const store = open();
    const batches: number[] = [];
    store.watch('/', 1, (events) => batches.push(events.length));
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.put(`/k${index}`, 'v', 0)));
    expect(batches).toEqual([50]);
    await store.close();
  });

  it('is readable by its owner only', async () => {
    const store = open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('says that another server uses the file', async () => {
    const store = open();
    expect(open).toThrow(StoreFileError);
    expect(open).toThrow(`Cannot open store "${file}": another process is using it. Stop the server`);
    await store.close();
  });

  it('says that the file is damaged', async () => {
    writeFileSync(file, 'this was never a database '.repeat(300));
    expect(open).toThrow(`Cannot open store "${file}": it is damaged`);
    expect(open).toThrow('move it away to start with an empty cluster');
  });

  it('says that a page inside the file is damaged', async () => {
    const store = open();
    for (let index = 0; index < 200; index++) await store.put(`/key/${index}`, 'x'.repeat(500), 0);
    await store.close();
    const { size } = statSync(file);
    const bytes = Buffer.alloc(size / 2, 0xa5);
    const database = await import('node:fs/promises').then(({ open: openFile }) => openFile(file, 'r+'));
    await database.write(bytes, 0, bytes.length, size / 4);
    await database.close();
    expect(open).toThrow(`Cannot open store "${file}": it is damaged`);
  });

  it('leaves the database of another program alone', () => {
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE theirs (x)');
    other.close();
    expect(open).toThrow('it is the database of another program');
  });

  it('leaves a newer layout alone', async () => {
    await open().close();
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(open).toThrow('it has layout version 99, newer than the 2 known here');
  });

  it('finds a value that the disk has changed, and says which', async () => {
    const store = open();
    await store.put('/registry/secrets/default/a', 'the-secret-of-a', 0);
    await store.put('/registry/secrets/default/b', 'the-secret-of-b', 0);
    await store.close();
    const bytes = readFileSync(file);
    // No page is out of order: SQLite itself does not see that.
    bytes[bytes.lastIndexOf('the-secret-of-a')] = 'T'.charCodeAt(0);
    writeFileSync(file, bytes);
    const again = open();
    expect(() => again.get('/registry/secrets/default/a')).toThrow(
      'The stored data of "/registry/secrets/default/a" at revision 2 is damaged',
    );
    expect(() => again.range('/registry/secrets/')).toThrow(DamagedRecordError);
    expect(again.get('/registry/secrets/default/b')?.value).toBe('the-secret-of-b');
    await again.close();
  });

  it('says that the log with the last writes is missing', async () => {
    const store = open();
    await store.put('/a', 'one', 0);
    const copy = join(directory, 'copy.db');
    copyFileSync(file, copy);
    await store.close();
    expect(() => openSqliteStore(copy, { clock: systemClock })).toThrow(`its log "${copy}-wal" is missing`);
    await open().close();
  });

  it('takes over a store of the layout before', async () => {
    const store = open();
    await store.put('/a', 'one', 0);
    await store.close();
    const older = new DatabaseSync(file);
    older.exec("ALTER TABLE kv DROP COLUMN crc; DELETE FROM meta WHERE name = 'open'; PRAGMA user_version = 1");
    older.close();
    const again = open();
    expect(again.get('/a')?.value).toBe('one');
    await again.put('/a', 'two', 2);
    await again.close();
    const third = open();
    expect(third.get('/a')).toEqual({ key: '/a', value: 'two', revision: 3, createRevision: 2 });
    await third.close();
  });

  it('leaves nothing of a deleted value in the file once history is compacted', async () => {
    const store = open();
    await store.put('/a', 'a-password-that-was', 0);
    await store.delete('/a', 2);
    await store.compact(3);
    await store.close();
    expect(readFileSync(file).includes('a-password-that-was')).toBe(false);
  });

  it('names a directory that is not there', () => {
    file = join(directory, 'missing', 'store.db');
    expect(open).toThrow(`Cannot open store "${file}": the file cannot be opened`);
  });
});
