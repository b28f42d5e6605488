// The number of a mount that no other mount of this boot has had or will have: the later it was made, the larger it is.
// Knows one system call; what is mounted where is the caller's matter.
import { libcObstacle } from './libc.ts';
import { trySystemCall } from './system-call.ts';

const AT_FDCWD = -100;
/** No symbolic link at the end, no automount, no talk to a server. */
const FLAGS = 0x100 | 0x800 | 0x4000;
/** Of Linux 6.8; kernels before leave it out of what they have answered. */
const STATX_MNT_ID_UNIQUE = 0x4000;
const MASK_AT = 0;
const NUMBER_AT = 144;

/** Of the mount that is seen at `path`; undefined where there is nothing, or the number cannot be had. */
export function mountNumber(path: string): bigint | undefined {
  const answer = Buffer.alloc(256);
  if (trySystemCall('statx', [AT_FDCWD, Buffer.from(`${path}\0`), FLAGS, STATX_MNT_ID_UNIQUE, answer]) < 0) {
    return undefined;
  }
  return (answer.readUInt32LE(MASK_AT) & STATX_MNT_ID_UNIQUE) === 0 ? undefined : answer.readBigUInt64LE(NUMBER_AT);
}

/** Why no such numbers can be had here; undefined where they can. */
export function mountNumberObstacle(): string | undefined {
  return libcObstacle() ?? (mountNumber('/') === undefined ? 'it takes Linux 6.8 or later' : undefined);
}
