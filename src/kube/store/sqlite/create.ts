// Writes a new store file from records: what a restore puts in the place of the old one.
// Knows the table; that the file becomes anybody's store is the caller's matter.
import { existsSync } from 'node:fs';
import type { StoreRecord } from '../store.ts';
import { closeDatabase, openDatabase } from './schema.ts';
import { prepareStatements } from './statements.ts';

/**
 * How far the revision leaps in a restore, as etcd advises: whatever was written after the backup was taken is behind
 * it, so that no revision that a client remembers is given out a second time, with another meaning.
 */
export const REVISION_LEAP = 1_000_000_000;

export interface StoreWriter {
  add(record: StoreRecord): void;
  /** History begins at `revision`: who remembers an older one is told to list again. */
  finish(revision: number): void;
  /** Closes an unfinished file; the caller removes it. */
  abandon(): void;
}

/** Throws when there is such a file already, and `StoreFileError`. */
export function createStoreFile(file: string): StoreWriter {
  if (existsSync(file)) throw new Error(`There is a file "${file}" already`);
  const database = openDatabase(file);
  const sql = prepareStatements(database);
  database.exec('BEGIN');
  return {
    add: (record) => sql.insert(record, 0, false),
    finish(revision) {
      sql.compact(revision, revision);
      database.exec('COMMIT');
      closeDatabase(database);
    },
    abandon: () => database.close(),
  };
}
