// The last step of a restore: what was prepared takes the place of what was there, all of it or, after a crash, at the
// next start. Knows files and their order; what is in them is app/backup.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from './data-dir.ts';

/** Names below the data directory. */
export interface RestorePlan {
  /** Where what was prepared lies. */
  readonly prepared: string;
  /** Where what was there goes. */
  readonly aside: string;
  /** What goes aside and has no successor; first, for the log of the old store must never meet the new one. */
  readonly removed: readonly string[];
  /** What was prepared. */
  readonly replaced: readonly string[];
}

const journalOf = (data: DataDir): string => join(data.root, 'restore.json');

/** From here on the restore happens, whatever becomes of this process. The caller holds the lock of the directory. */
export function commitRestore(data: DataDir, plan: RestorePlan): void {
  const journal = journalOf(data);
  writeFileSync(`${journal}.new`, JSON.stringify(plan), { mode: 0o600, flush: true });
  renameSync(`${journal}.new`, journal);
  syncDirectory(data.root);
  finishRestore(data);
}

/** Ends a restore that a crash has cut short; does nothing when there is none. The caller holds the lock. */
export function finishRestore(data: DataDir): void {
  const journal = journalOf(data);
  if (!existsSync(journal)) return;
  const { prepared, aside, removed, replaced } = JSON.parse(readFileSync(journal, 'utf8')) as RestorePlan;
  mkdirSync(join(data.root, aside), { mode: 0o700, recursive: true });
  const putAside = (name: string): void => {
    if (existsSync(join(data.root, name))) renameSync(join(data.root, name), join(data.root, aside, name));
  };
  for (const name of removed) putAside(name);
  for (const name of replaced) {
    const next = join(data.root, prepared, name);
    // What is no longer prepared has taken its place already.
    if (!existsSync(next)) continue;
    putAside(name);
    renameSync(next, join(data.root, name));
  }
  for (const path of [data.root, join(data.root, aside)]) syncDirectory(path);
  rmSync(journal);
  rmSync(join(data.root, prepared), { recursive: true, force: true });
}

/** So that names survive a power cut too. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
