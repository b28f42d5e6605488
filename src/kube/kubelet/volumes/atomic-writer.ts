// A directory of files that changes all at once: readers see the old files or the new ones, never a mixture.
// Knows nothing of where the files come from.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface FileContent {
  readonly data: Buffer;
  /** File permission bits, e.g. 0o644. */
  readonly mode: number;
  /** Owner, where we may give files away; ourselves when left out. */
  readonly uid?: number;
}

/** Relative path to content. */
export type Payload = ReadonlyMap<string, FileContent>;

function currentTarget(dir: string): string | undefined {
  try {
    return readlinkSync(join(dir, '..data'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function listFiles(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? listFiles(root, path) : [path];
  });
}

function unchanged(root: string, payload: Payload): boolean {
  const files = listFiles(root);
  if (files.length !== payload.size) return false;
  return files.every((path) => payload.get(path)?.data.equals(readFileSync(join(root, path))) ?? false);
}

/**
 * Makes `dir` hold exactly the payload. Files lie in a fresh directory; `..data` points to it and is swapped by one
 * rename, and every top-level name is a link through `..data`. `prepare` sees the fresh directory before anybody else. (Upstream: pkg/volume/util/atomic_writer.go.)
 */
export function writeAtomically(dir: string, payload: Payload, prepare: (fresh: string) => void = () => {}): void {
  mkdirSync(dir, { recursive: true });
  const before = currentTarget(dir);
  if (before !== undefined && unchanged(join(dir, before), payload)) return;
  const fresh = mkdtempSync(join(dir, '..'.concat(new Date().toISOString().replace(/[-:]/g, '_').slice(0, 19), '.')));
  for (const [path, { data, mode, uid }] of payload) {
    mkdirSync(dirname(join(fresh, path)), { recursive: true });
    writeFileSync(join(fresh, path), data);
    // The umask is ours, the mode is for the container.
    chmodSync(join(fresh, path), mode);
    if (uid !== undefined && process.getuid?.() === 0) chownSync(join(fresh, path), uid, -1);
  }
  // Only we could look into it so far.
  chmodSync(fresh, 0o755);
  prepare(fresh);
  const link = join(dir, '..data_tmp');
  rmSync(link, { force: true });
  symlinkSync(fresh.slice(dir.length + 1), link);
  renameSync(link, join(dir, '..data'));
  linkNames(dir, payload);
  if (before !== undefined) rmSync(join(dir, before), { recursive: true, force: true });
}

function linkNames(dir: string, payload: Payload): void {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  const present = readdirSync(dir).filter((name) => !name.startsWith('..'));
  for (const name of present) if (!wanted.has(name)) rmSync(join(dir, name), { force: true });
  for (const name of wanted) if (!present.includes(name)) symlinkSync(join('..data', name), join(dir, name));
}
