// The SQLite file: how it is opened, locked, checked and laid out.
// Knows no revisions logic; every failure names the file and what to do about it.
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const LAYOUT_VERSION = 1;

// A row per write, never changed after: `id` is the revision, `value` of a deletion is the last
// value, and `prev_revision` links to the row it replaced (0: none).
const LAYOUT = `
  CREATE TABLE kv (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    prev_revision INTEGER NOT NULL,
    value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX kv_by_name ON kv (name, id);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT INTO meta (name, value) VALUES ('compacted', 0);
`;

/** The file cannot serve as a store; the message names it, the reason and the remedy. */
export class StoreFileError extends Error {
  readonly file: string;
  constructor(file: string, why: string, remedy: string, cause?: unknown) {
    super(`Cannot open store "${file}": ${why}. ${remedy}`, { cause });
    this.name = 'StoreFileError';
    this.file = file;
  }
}

/**
 * Opens or creates the file, holding its lock until it is closed or the process ends. Throws `StoreFileError` when it
 * is locked by another process, damaged, written by a newer version, or not reachable.
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    // The lock keeps a second server off the same data. FULL makes every commit wait for the disk,
    // so what was acknowledged survives a power cut too, not only the end of the process.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    chmodSync(file, 0o600); // Secrets are inside.
    assertSound(database, file);
    prepareLayout(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw explain(file, error);
  }
}

function assertSound(database: DatabaseSync, file: string): void {
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (verdict !== 'ok') throw damaged(file, String(verdict));
}

function prepareLayout(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version === LAYOUT_VERSION) return;
  if (version > LAYOUT_VERSION) {
    throw new StoreFileError(
      file,
      `it has layout version ${version}, newer than the ${LAYOUT_VERSION} known here`,
      'Use the version of the program that wrote it, or choose another data directory',
    );
  }
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n);
  if (tables > 0) {
    throw new StoreFileError(file, 'it is the database of another program', 'Choose another data directory');
  }
  database.exec(`BEGIN; ${LAYOUT}; PRAGMA user_version = ${LAYOUT_VERSION}; COMMIT`);
}

const BUSY = 5;
const CORRUPT = 11;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

function explain(file: string, error: unknown): Error {
  if (!(error instanceof Error) || error instanceof StoreFileError) return error as Error;
  const code = 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  switch (code) {
    case BUSY:
      return new StoreFileError(
        file,
        'another process is using it',
        'Stop the server that runs on this data directory, or choose another one',
        error,
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return damaged(file, error.message, error);
    case CANNOT_OPEN:
      return new StoreFileError(
        file,
        'the file cannot be opened',
        'Check that its directory exists and may be written',
        error,
      );
    default:
      return new StoreFileError(file, error.message, 'Check the file and the disk it is on', error);
  }
}

function damaged(file: string, detail: string, cause?: unknown): StoreFileError {
  return new StoreFileError(
    file,
    `it is damaged (${detail})`,
    'Restore it from a copy, or move it away to start with an empty cluster',
    cause,
  );
}
