// The checksum that each row carries, so that what a disk has changed is found instead of served.
// Knows which columns it covers; SQLite itself has no checksums of data.
import { crc32 } from 'node:zlib';

/** Over everything that makes a row what it is. */
export function rowChecksum(revision: number, key: string, deleted: boolean, value: string): number {
  return crc32(value, crc32(`${revision} ${deleted ? 1 : 0} ${key}\n`));
}
