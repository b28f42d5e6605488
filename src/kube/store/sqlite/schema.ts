// The SQLite file: how it is opened, locked, checked and laid out.
// Knows no revisions logic; every failure names the file and what to do about it.
import { chmodSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const LAYOUT_VERSION = 2;

// A row per write, never changed after: `id` is the revision, `value` of a deletion is the last
// value, `prev_revision` links to the row it replaced (0: none), `crc` is null in rows of layout 1.
// `open` of meta is 1 while somebody writes: the file alone is then not the whole store.
const LAYOUT = `
  CREATE TABLE kv (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    prev_revision INTEGER NOT NULL,
    value TEXT NOT NULL,
    crc INTEGER
  ) STRICT;
  CREATE INDEX kv_by_name ON kv (name, id);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT INTO meta (name, value) VALUES ('compacted', 0), ('open', 0);
`;

const FROM_LAYOUT_1 = `
  ALTER TABLE kv ADD COLUMN crc INTEGER;
  INSERT INTO meta (name, value) VALUES ('open', 0);
`;

/** The file cannot serve as a store; the message names it, the reason and the remedy. */
export class StoreFileError extends Error {
  readonly file: string;
  readonly why: string;
  readonly remedy: string;
  /** What can still be read of it can be saved. */
  readonly damaged: boolean;
  constructor(file: string, why: string, remedy: string, cause?: unknown, damaged = false) {
    super(`Cannot open store "${file}": ${why}. ${remedy}`, { cause });
    this.name = 'StoreFileError';
    this.file = file;
    this.why = why;
    this.remedy = remedy;
    this.damaged = damaged;
  }
}

/**
 * Opens or creates the file, holding its lock until it is closed or the process ends. Throws `StoreFileError` when it
 * is locked by another process, damaged, written by a newer version, or not reachable.
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  const hadLog = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > WAL_HEADER_BYTES;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    // The lock keeps a second server off the same data. FULL makes every commit wait for the disk,
    // so what was acknowledged survives a power cut too, not only the end of the process.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    // What is deleted is overwritten: Secrets do not stay in the file, and what is saved of a damaged one was alive.
    database.exec('PRAGMA secure_delete = ON');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    chmodSync(file, 0o600); // Secrets are inside.
    assertSound(database, file);
    prepareLayout(database, file);
    markOpen(database, file, hadLog);
    return database;
  } catch (error) {
    database?.close();
    throw explain(file, error);
  }
}

/** Of SQLite's log without a single page in it. */
const WAL_HEADER_BYTES = 32;

/**
 * The mark goes into the file itself, so that a copy of the file without its log is known for what it is: it lacks
 * what was written last.
 */
function markOpen(database: DatabaseSync, file: string, hadLog: boolean): void {
  const wasOpen = database.prepare("SELECT value FROM meta WHERE name = 'open'").get()?.value === 1;
  if (wasOpen && !hadLog) {
    throw new StoreFileError(
      file,
      `it was in use when it was last written, and its log "${file}-wal" is missing: the last writes were in it`,
      'Put the log back beside it, or restore a backup',
      undefined,
      true,
    );
  }
  database.exec("UPDATE meta SET value = 1 WHERE name = 'open'");
  database.exec('PRAGMA wal_checkpoint(PASSIVE)');
}

/** Puts all that is in the log into the file and closes it. Where the disk is full the end of the process does that. */
export function closeDatabase(database: DatabaseSync): void {
  const markClosed = "UPDATE meta SET value = 0 WHERE name = 'open'";
  try {
    try {
      database.exec(markClosed);
    } catch {
      // On a full disk the emptied log makes room for this one page.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.exec(markClosed);
    }
  } catch {
    // Closing would remove the log, and the mark would then say that it is missing.
    return;
  }
  database.close();
}

function assertSound(database: DatabaseSync, file: string): void {
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (verdict !== 'ok') throw damaged(file, String(verdict));
}

function prepareLayout(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version === LAYOUT_VERSION) return;
  if (version === 1) {
    database.exec(`BEGIN; ${FROM_LAYOUT_1}; PRAGMA user_version = ${LAYOUT_VERSION}; COMMIT`);
    return;
  }
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
const FULL = 13;
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
    case FULL:
      return new StoreFileError(file, 'its disk is full', 'Make room on the disk', error);
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
    'Restore a backup, or move it away to start with an empty cluster',
    cause,
    true,
  );
}
