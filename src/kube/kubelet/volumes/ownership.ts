// Gives the files of a volume to the group of its pod, so that whatever user the containers have may use them.
// Knows files only.
import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const SET_GID = 0o2000;

/**
 * Files become readable for the group, those of a volume that containers write to writable as well; what is made in a
 * directory later belongs to the group, too. (Upstream: pkg/volume/volume_linux.go.)
 */
export function giveToGroup(path: string, gid: number, readOnly: boolean): void {
  const stat = lstatSync(path);
  lchownSync(path, stat.uid, gid);
  if (stat.isSymbolicLink()) return;
  const access = readOnly ? 0o440 : 0o660;
  if (!stat.isDirectory()) {
    chmodSync(path, (stat.mode & 0o7777) | access);
    return;
  }
  chmodSync(path, (stat.mode & 0o7777) | access | SET_GID | 0o110);
  for (const name of readdirSync(path)) giveToGroup(join(path, name), gid, readOnly);
}
