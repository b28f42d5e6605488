// What a directory takes of the disk, with everything below it.
// Knows files only; it follows no links and enters no other file system, but for the one that it begins in.
import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 512;

/** In bytes of blocks taken, so that holes are not counted; 0 for what is not there. A file of several names counts once. */
export async function diskUsage(root: string): Promise<number> {
  const seen = new Set<string>();
  const first = await look(root);
  if (first === undefined) return 0;
  const visit = async (path: string, stat: BigIntStats): Promise<number> => {
    if (stat.dev !== first.dev) return 0;
    const key = `${stat.ino}`;
    if (stat.nlink > 1n && !stat.isDirectory()) {
      if (seen.has(key)) return 0;
      seen.add(key);
    }
    let sum = Number(stat.blocks) * BLOCK_BYTES;
    if (!stat.isDirectory()) return sum;
    // One after another: a large tree must not take all of the machine's threads for files.
    for (const { name } of await entries(path)) {
      const below = join(path, name);
      const inner = await look(below);
      if (inner !== undefined) sum += await visit(below, inner);
    }
    return sum;
  };
  return await visit(root, first);
}

async function look(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch {
    // Removed by its container meanwhile.
    return undefined;
  }
}

async function entries(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
