// Mounts kernel file systems (cgroup2, bpf) and takes them away again.
// Knows nothing of what is inside.
import { readFileSync } from 'node:fs';
import { libc } from './libc.ts';
import { checked } from './system-call.ts';

const MNT_DETACH = 2;
const NO_SUID_NO_DEV_NO_EXEC = 2 | 4 | 8;

/** Mounts a kernel file system at the existing folder `target`. Needs CAP_SYS_ADMIN. */
export function mountKernelFileSystem(type: 'bpf' | 'cgroup2', target: string, data?: string): void {
  checked('mount', libc().mount(type, target, type, NO_SUID_NO_DEV_NO_EXEC, data ?? null), `${type} at "${target}"`);
}

/** Takes the mount away from sight at once; it goes when its last user does. */
export function unmount(target: string): void {
  checked('umount', libc().umount2(target, MNT_DETACH), `"${target}"`);
}

/** Where a file system of `type` is mounted already, in the order of mounting. */
export function mountPoints(type: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === type)
    .map((fields) =>
      (fields[1] ?? '').replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}
