// The folder of a bpf file system where an owner's objects have their names, mounted when it is not yet.
// Knows nothing of what is pinned.
import { existsSync, mkdirSync, readdirSync, rmdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { mountKernelFileSystem, unmount } from '#lib/sys/mounts.ts';
import { unpin } from '../bpf/pin.ts';

/** BPF_FS_MAGIC. */
const BPF_FILE_SYSTEM = 0xcafe4a11;

export const DEFAULT_BPF_FOLDER = '/run/evenkeel/bpf';

/** The kernel may put files of its own into a new bpf file system, and allows no dots in names. */
const OWNER = 'evenkeel-';
/** Says to every later run that the mount is ours, and that the folder below it is, too. */
const MOUNTED = 'evenkeel_mounted';
const MADE = 'evenkeel_made';

export interface PinFolder {
  readonly path: string;
  /** Takes away every name in it, the folder, and what was mounted for it when nobody else uses that. */
  remove(): void;
}

/** `base`: a folder of a mounted bpf file system, or one that is to become one. */
export function openPinFolder(base: string, owner: string): PinFolder {
  if (!existsSync(base) || statfsSync(base).type !== BPF_FILE_SYSTEM) mountAt(base);
  const path = join(base, `${OWNER}${owner}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return {
    path,
    remove() {
      for (const name of readdirSync(path)) unpin(join(path, name));
      rmdirSync(path);
      const left = readdirSync(base);
      if (!left.includes(MOUNTED) || left.some((name) => name.startsWith(OWNER))) return;
      unmount(base);
      if (left.includes(MADE)) rmdirSync(base);
    },
  };
}

function mountAt(base: string): void {
  const made = mkdirSync(base, { recursive: true }) !== undefined;
  mountKernelFileSystem('bpf', base);
  mkdirSync(join(base, MOUNTED));
  if (made) mkdirSync(join(base, MADE));
}
