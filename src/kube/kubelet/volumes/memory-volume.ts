// Volumes in memory: a file system of a bounded size on a directory, made and taken away.
// Knows mounts; how large one is to be is the caller's word.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether something is mounted on the directory. */
function isMounted(dir: string): boolean {
  return statSync(dir).dev !== statSync(dirname(dir)).dev;
}

/** Whether it was made now; not where the machine does not allow it, and the directory stays as it is then. `bytes`: most that fits. */
export async function mountMemory(dir: string, bytes: number): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  if (isMounted(dir)) return false;
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0777`, 'tmpfs', dir]);
    return true;
  } catch {
    return false;
  }
}

/** Takes away whatever is mounted below `root`, such as a crash leaves it; what it held is gone. */
export function unmountBelow(root: string): void {
  if (process.platform !== 'linux' || !existsSync(root)) return;
  for (const point of mountPointsBelow(realpathSync(root), readFileSync('/proc/self/mountinfo', 'utf8'))) {
    try {
      // Lazily: a process that is on its way out may have its directory there.
      execFileSync('umount', ['-l', point], { stdio: 'ignore' });
    } catch {
      // Gone already; what is not will keep the directory, and the next start tries again.
    }
  }
}

/** The innermost first. `mountinfo`: text of /proc/self/mountinfo, where blanks and the like are written in octal. */
export function mountPointsBelow(root: string, mountinfo: string): string[] {
  const points = mountinfo.split('\n').map((line) => line.split(' ')[4] ?? '');
  const plain = points.map((text) =>
    text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))),
  );
  return plain.filter((point) => point.startsWith(join(root, '/'))).reverse();
}
