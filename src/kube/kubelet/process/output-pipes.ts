// The two pipes a process writes its output to; unlike the sockets that Node.js makes, it can open them by name.
// Knows nothing of containers; `/dev/stdout` and `/dev/stderr` work for whoever inherits the ends.
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NAMES = ['stdout', 'stderr'] as const;

export interface OutputPipes {
  /** What is read from the process; both end when nobody holds the other ends any more. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** File descriptors for the process; `handedOver` closes ours once it has them. */
  readonly ends: readonly [number, number];
  handedOver(): void;
}

/** Makes the pipes with the help of `dir`, in which nothing stays; undefined where the machine has no `mkfifo`. */
export async function openOutputPipes(dir: string): Promise<OutputPipes | undefined> {
  mkdirSync(dir, { recursive: true });
  const scratch = mkdtempSync(join(dir, 'pipes-'));
  try {
    const [out, err] = NAMES.map((name) => join(scratch, name)) as [string, string];
    await run('mkfifo', ['-m', '600', out, err]);
    // A reader that does not wait lets the writer open at once; the writer waits for room, as programs expect.
    const [stdout, stderr] = [out, err].map((path) => {
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      return new Socket({ fd, readable: true, writable: false });
    }) as [Socket, Socket];
    const ends = [openSync(out, constants.O_WRONLY), openSync(err, constants.O_WRONLY)] as const;
    return { stdout, stderr, ends, handedOver: () => ends.forEach(closeSync) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    // Open pipes need no names.
    rmSync(scratch, { recursive: true, force: true });
  }
}
