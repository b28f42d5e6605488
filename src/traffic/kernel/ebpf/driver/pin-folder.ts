// The folder of a bpf file system where an owner's objects have their names, mounted when it is not yet.
// Knows nothing of what is pinned.
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, rmSync, statfsSync, statSync } from 'node:fs';
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
/** A folder among the names: the network namespace that they are for. */
const NAMESPACE = 'netns_';

export interface PinFolder {
  readonly path: string;
  /** Says of all names in it that they are for the network namespace of this process. */
  claim(): void;
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
    claim() {
      for (const name of claims(path)) clear(join(path, name));
      mkdirSync(join(path, ownNamespace()), { recursive: true });
    },
    remove() {
      for (const name of readdirSync(path)) clear(join(path, name));
      rmdirSync(path);
      const left = readdirSync(base);
      if (!left.includes(MOUNTED) || left.some((name) => name.startsWith(OWNER))) return;
      unmount(base);
      if (left.includes(MADE)) rmdirSync(base);
    },
  };
}

/** What there is of an owner: nothing, names for this network namespace, or for another, or one that is not known. */
export function pinsThere(base: string, owner: string): 'none' | 'here' | 'elsewhere' {
  if (!existsSync(base) || statfsSync(base).type !== BPF_FILE_SYSTEM) return 'none';
  const path = join(base, `${OWNER}${owner}`);
  if (!existsSync(path)) return 'none';
  return claims(path).includes(ownNamespace()) ? 'here' : 'elsewhere';
}

/** A name, or a folder of one that says whose the names are; another run may have taken it away already. */
function clear(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmSync(path, { recursive: true, force: true });
  else unpin(path);
}

function claims(path: string): string[] {
  return readdirSync(path).filter((name) => name.startsWith(NAMESPACE));
}

/** By its inode, which is unique as long as it lives. */
function ownNamespace(): string {
  return `${NAMESPACE}${/\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0]}`;
}

function mountAt(base: string): void {
  const made = mkdirSync(base, { recursive: true }) !== undefined;
  mountKernelFileSystem('bpf', base);
  mkdirSync(join(base, MOUNTED));
  if (made) mkdirSync(join(base, MADE));
}
