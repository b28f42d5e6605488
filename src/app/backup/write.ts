// Writes a backup: to a file, which appears whole and checked or not at all, or to a stream.
// Knows files and order; the form is kube/store/backup.
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { BackupError, type BackupHeader, BackupLines, BackupReader } from '#kube/store/backup/format.ts';
import { unpackedLines } from '#kube/store/backup/lines.ts';
import { version } from '#lib/version.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import type { DataDir } from '../main/data-dir.ts';
import { syncDirectory } from '../main/restore-journal.ts';
import type { Progress } from './progress.ts';
import type { BackupSource } from './sources.ts';

export interface BackupJob {
  readonly data: DataDir;
  readonly source: BackupSource;
  readonly progress: Progress;
  readonly wallMs: number;
}

/** Throws a `Failure` when there is such a file and it may not be replaced, or it cannot be written. */
export async function backupToFile(job: BackupJob, path: string, replace: boolean): Promise<BackupHeader> {
  if (!replace && existsSync(path)) throw taken(path);
  const partial = `${path}.partial-${process.pid}`;
  try {
    // Keys are inside.
    await backupTo(job, createWriteStream(partial, { mode: 0o600, flags: 'wx' }));
    sync(partial);
    const header = await checkBackup(partial);
    if (replace) renameSync(partial, path);
    // A link never replaces a file that has come meanwhile.
    else linkSync(partial, path);
    syncDirectory(dirname(resolve(path)));
    return header;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw taken(path);
    if (codeOf(error) === undefined || error instanceof Failure) throw error;
    throw new Failure(
      `Cannot write backup "${path}": ${messageOf(error)}`,
      'Name a file on a disk with room that you may write to',
      { cause: error },
    );
  } finally {
    rmSync(partial, { force: true });
  }
}

/** `sink` is ended. */
export async function backupTo({ data, source, progress, wallMs }: BackupJob, sink: Writable): Promise<void> {
  const lines = new BackupLines();
  async function* text(): AsyncGenerator<string, void> {
    const { revision, objects, lost } = source;
    const created = new Date(wallMs).toISOString();
    yield lines.header({ program: version, created, revision, objects, ...(lost === undefined ? {} : { lost }) });
    for (const path of filesOf(data))
      yield lines.file(relative(data.root, path).split(sep).join('/'), readFileSync(path));
    for await (const records of source.records()) {
      yield records.map((record) => lines.record(record)).join('');
      progress.at(lines.objects, objects);
    }
    if (lines.objects !== objects) throw new Error(`The store has sent ${lines.objects} of ${objects} objects`);
    yield lines.end();
  }
  await pipeline(Readable.from(text()), createGzip({ level: 6 }), sink);
}

/** Reads it again, whole. Throws a `Failure`. */
export async function checkBackup(path: string): Promise<BackupHeader> {
  try {
    const reader = new BackupReader({});
    for await (const line of unpackedLines(createReadStream(path))) reader.line(line);
    return reader.done();
  } catch (error) {
    throw notUsable(path, error);
  }
}

export function notUsable(path: string, error: unknown): unknown {
  if (error instanceof BackupError) {
    return new Failure(`Backup "${path}" cannot be used: ${error.message}`, 'Take another one', { cause: error });
  }
  if (codeOf(error) === undefined) return error;
  return new Failure(`Cannot read backup "${path}": ${messageOf(error)}`, 'Name a file that "evenkeel backup" wrote', {
    cause: error,
  });
}

/** What a cluster is known by: authority, keys, tokens; and how its addresses were given out. */
function filesOf(data: DataDir): string[] {
  const keys = existsSync(data.pki)
    ? readdirSync(data.pki, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.new'))
        .map((entry) => join(entry.parentPath, entry.name))
    : [];
  return [...keys.sort(), ...[data.network].filter((path) => existsSync(path))];
}

function taken(path: string): Failure {
  return new Failure(`There is a file "${path}" already`, 'Name another one, or replace it with --force');
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
