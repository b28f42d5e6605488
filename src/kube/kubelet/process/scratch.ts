// The files a container's start needs beside its own, and what of the machine goes into them.
// Knows the file system; mounts nothing.
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Mount } from '../runtime.ts';
import type { PlacedMount } from './root-plan.ts';

const DEV_LINKS = {
  ptmx: 'pts/ptmx',
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
} as const;

/** Makes the directory; it must not be there yet. */
export function makeScratch(scratch: string): void {
  for (const name of ['root', 'run', 'empty', 'tmp', 'links/.old-root']) {
    mkdirSync(join(scratch, name), { recursive: true });
    // The umask is whatever our own caller had.
    chmodSync(join(scratch, name), name === 'tmp' ? 0o1777 : 0o755);
  }
  for (const [name, target] of Object.entries(DEV_LINKS)) symlinkSync(target, join(scratch, 'links', name));
}

/** What is to be mounted and is not there becomes an empty directory, as container runtimes have it. */
export function placed(mount: Mount): PlacedMount {
  const stat = statSync(mount.source, { throwIfNoEntry: false });
  if (stat === undefined) mkdirSync(mount.source, { recursive: true });
  return { ...mount, source: realpathSync(mount.source), file: stat !== undefined && !stat.isDirectory() };
}

export function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Names of the machine's devices, for containers that may use them all. */
export function machineDevices(): string[] {
  const own = new Set(['ptmx', 'console']);
  const device = (path: string): boolean => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat !== undefined && (stat.isCharacterDevice() || stat.isBlockDevice());
  };
  const names = readdirSync('/dev').filter((name) => !own.has(name) && device(`/dev/${name}`));
  return existsSync('/dev/net') ? [...names, 'net'] : names;
}

/** Directories on the way to these paths that not everybody may pass. */
export function impassable(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const from = isDirectory(path) ? path : dirname(path);
    for (let at = from; at !== '/'; at = dirname(at)) {
      const stat = statSync(at, { throwIfNoEntry: false });
      if (stat?.isDirectory() === true && (stat.mode & 0o011) !== 0o011) found.add(at);
    }
  }
  return [...found];
}
