// Puts a backup in the place of a data directory's store: prepared beside it and checked, then exchanged in one step.
// Knows files and order; nothing of what was there is removed, it is kept aside.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type BackupHeader, BackupReader } from '#kube/store/backup/format.ts';
import { unpackedLines } from '#kube/store/backup/lines.ts';
import { createStoreFile, REVISION_LEAP } from '#kube/store/sqlite/create.ts';
import { createDataDir, type DataDir } from '../main/data-dir.ts';
import { acquireLock } from '../main/instance-lock.ts';
import { commitRestore, finishRestore, syncDirectory } from '../main/restore-journal.ts';
import type { Progress } from './progress.ts';
import { notUsable } from './write.ts';

export interface Restored {
  readonly header: BackupHeader;
  /** Of the store now. */
  readonly revision: number;
  /** Where what was there is kept; undefined when there was nothing. */
  readonly aside: string | undefined;
}

export interface RestoreJob {
  readonly data: DataDir;
  /** What to call the backup in messages. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly progress: Progress;
  readonly wallMs: number;
}

/** Throws a `Failure` when a server runs there or the backup cannot be used; what is there is then as it was. */
export async function restore(job: RestoreJob): Promise<Restored> {
  const { data, wallMs } = job;
  createDataDir(data);
  const lock = acquireLock(data.lock, data.root);
  try {
    finishRestore(data);
    const stamp = new Date(wallMs).toISOString().replaceAll(':', '-');
    const prepared = join(data.root, '.restoring');
    rmSync(prepared, { recursive: true, force: true });
    mkdirSync(prepared, { mode: 0o700 });
    try {
      const { header, revision, files } = await prepare(job, prepared);
      const store = basename(data.store);
      // Directories are exchanged as a whole: an old key must not stay among new ones.
      const replaced = [store, ...new Set(files.map((file) => file.split('/')[0] as string))];
      const old = [
        `${store}-wal`,
        `${store}-shm`,
        basename(data.pki),
        basename(data.network),
        basename(data.kubeconfig),
      ];
      const removed = old.filter((name) => !replaced.includes(name));
      const aside = `before-restore-${stamp}`;
      const kept = [...replaced, ...removed].some((name) => existsSync(join(data.root, name)));
      commitRestore(data, { prepared: basename(prepared), aside, removed, replaced });
      return { header, revision, aside: kept ? join(data.root, aside) : undefined };
    } finally {
      rmSync(prepared, { recursive: true, force: true });
    }
  } finally {
    lock.release();
  }
}

interface Prepared {
  readonly header: BackupHeader;
  readonly revision: number;
  readonly files: readonly string[];
}

async function prepare({ data, name, bytes, progress }: RestoreJob, into: string): Promise<Prepared> {
  const store = createStoreFile(join(into, basename(data.store)));
  const files: string[] = [];
  let objects = 0;
  let total = 0;
  const reader = new BackupReader({
    header: (header) => {
      total = header.objects;
    },
    file(path, content) {
      const place = join(into, path);
      mkdirSync(dirname(place), { mode: 0o700, recursive: true });
      writeFileSync(place, content, { mode: 0o600, flag: 'wx', flush: true });
      files.push(path);
    },
    record(record) {
      store.add(record);
      if (++objects % 500 === 0) progress.at(objects, total);
    },
  });
  let header: BackupHeader;
  let revision: number;
  try {
    for await (const line of unpackedLines(bytes)) reader.line(line);
    header = reader.done();
    revision = header.revision + REVISION_LEAP;
    store.finish(revision);
  } catch (error) {
    store.abandon();
    throw notUsable(name, error);
  }
  for (const path of [into, ...new Set(files.map((file) => dirname(join(into, file))))]) syncDirectory(path);
  return { header, revision, files };
}
