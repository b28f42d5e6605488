// The pipe a process reads its input from; unlike the sockets that Node.js makes, it can be opened as /dev/stdin.
// Knows nothing of containers.
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface InputPipe {
  readonly stdin: Writable;
  /** File descriptor for the process; `handedOver` closes ours once it has it. */
  readonly end: number;
  handedOver(): void;
}

/** Makes the pipe with the help of `dir`, in which nothing stays; undefined where the machine has no `mkfifo`. */
export async function openInputPipe(dir: string): Promise<InputPipe | undefined> {
  mkdirSync(dir, { recursive: true });
  const scratch = mkdtempSync(join(dir, 'pipe-'));
  const path = join(scratch, 'stdin');
  try {
    await run('mkfifo', ['-m', '600', path]);
    // With a reader there the writer opens at once, and with the writer there a reader that waits, as programs expect.
    const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stdin = new Socket({ fd: openSync(path, constants.O_WRONLY), readable: false, writable: true });
    const end = openSync(path, constants.O_RDONLY);
    closeSync(first);
    // A process that ends without reading all of its input breaks the pipe, which is no failure of ours.
    stdin.on('error', () => stdin.destroy());
    return { stdin, end, handedOver: () => closeSync(end) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    // Open pipes need no names.
    rmSync(scratch, { recursive: true, force: true });
  }
}
