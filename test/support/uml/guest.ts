// Boots a Linux of its own as one process, on this machine's files, and runs one command in it.
// Knows how a guest is started, watched and ended; what runs in it is its caller's business.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { repository } from '../run.ts';
import { tempDir } from '../temp-dir.ts';
import { initScript } from './init-script.ts';
import { startMachine } from './machine.ts';

export interface GuestOptions {
  /** Added to PATH (with `node_modules/.bin` in front), HOME and TMPDIR, which are all that the command gets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Kernel modules to load first; what the kernel asks for by itself is found as well. */
  readonly modules?: readonly string[];
  /** Memory of the guest; half of it may hold files that the command writes. */
  readonly memoryMb?: number;
  /** Longest time from boot to end. */
  readonly timeoutMs?: number;
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
}

export interface GuestRun {
  /** Exit code of the command as a shell gives it; `undefined` when the guest did not get so far. */
  readonly code: number | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** What the kernel said. */
  readonly console: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function collect(stream: Readable, each?: (text: string) => void): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    each?.(chunk);
  });
  return () => text;
}

/**
 * Runs `command` in a guest of its own. Resolves whatever becomes of the command; rejects when user-mode Linux cannot be
 * started at all, which `guestObstacle` says beforehand. Ends with the process that called it, however that ends.
 */
export async function runInGuest(command: readonly string[], options: GuestOptions = {}): Promise<GuestRun> {
  const dir = tempDir('guest');
  try {
    const memoryMb = options.memoryMb ?? 512;
    const init = join(dir.path, 'init');
    const env = { PATH: `${join(repository, 'node_modules/.bin')}:${PATH}`, ...options.env };
    const { modules = [], cwd = repository } = options;
    writeFileSync(init, initScript({ command, cwd, env, modules, scratchMb: memoryMb / 2 }));
    chmodSync(init, 0o755);
    const child = startMachine({ dir: dir.path, init, memoryMb });
    const [, console, complaints, stdout, stderr, code] = child.stdio.map((stream, at) => {
      const each = at === 3 ? options.onStdout : at === 4 ? options.onStderr : undefined;
      return stream === null || stream === undefined ? () => '' : collect(stream as Readable, each);
    }) as [() => string, () => string, () => string, () => string, () => string, () => string];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGTERM');
    }, options.timeoutMs ?? 120_000);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
    }).finally(() => clearTimeout(timer));
    return {
      code: /^\d+\s*$/.test(code()) ? Number(code()) : undefined,
      timedOut,
      stdout: stdout(),
      stderr: stderr(),
      console: console() + complaints(),
    };
  } finally {
    dir.remove();
  }
}

/** Runs to the end and fails, with everything that was said, unless the command exits with 0. */
export async function mustRunInGuest(command: readonly string[], options: GuestOptions = {}): Promise<string> {
  const { code, timedOut, stdout, stderr, console } = await runInGuest(command, options);
  if (code !== 0) {
    const end = timedOut ? 'did not end in time' : code === undefined ? 'died with its guest' : `exited with ${code}`;
    throw new Error(`In the guest, ${command.join(' ')} ${end}\n${stdout}\n${stderr}\n${console}`);
  }
  return stdout;
}
