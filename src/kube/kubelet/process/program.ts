// Where a program of that name is, as exec would find it.
// Knows file permissions and PATH; starts nothing.
import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

interface Found {
  /** `ENOENT` or `EACCES` when there is none that can be run. */
  readonly code?: 'ENOENT' | 'EACCES';
}

function tryFile(file: string): 'ENOENT' | 'EACCES' | undefined {
  try {
    if (statSync(file).isDirectory()) return 'EACCES';
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    // A directory of PATH that may not be looked into is no more than one where it is not.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'ENOENT' : 'EACCES';
  }
}

/** `dir`: the directory that relative names with a slash, and relative entries of PATH, start from. */
export function findProgram(name: string, dir: string, path = DEFAULT_PATH): Found {
  // What holds a NUL no process can be given; spawn says so better.
  if (name.includes('\0')) return {};
  if (name.includes('/')) {
    const code = tryFile(resolve(dir, name));
    return code === undefined ? {} : { code };
  }
  let code: Found['code'] = 'ENOENT';
  for (const entry of path.split(':')) {
    const result = tryFile(join(resolve(dir, entry), name));
    if (result === undefined) return {};
    if (result === 'EACCES') code = result;
  }
  return { code };
}
