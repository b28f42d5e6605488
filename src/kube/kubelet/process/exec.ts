// One command run to its end with a limit on time and output; probes and hooks use it.
// Knows nothing of containers: environment and directory are handed in.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock } from '#lib/clock.ts';
import type { ExecResult } from '../runtime.ts';
import { signalProcess } from './proc.ts';

const MAX_OUTPUT = 10 * 1024;

interface ExecOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly timeoutMs: number;
}

/** Never rejects: a command that cannot be started ends with exit code 126 or 127, as in a shell. */
export function execCommand(command: readonly string[], options: ExecOptions, clock: Clock): Promise<ExecResult> {
  return new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: options.workingDir,
      env: { ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let timedOut = false;
    const collect = (chunk: Buffer): void => {
      if (output.length < MAX_OUTPUT) output = (output + chunk.toString('utf8')).slice(0, MAX_OUTPUT);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const cancel = clock.after(options.timeoutMs, () => {
      timedOut = true;
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      cancel();
      const missing = error.code === 'ENOENT';
      const text = missing ? `exec: "${program}": executable file not found in $PATH` : error.message;
      resolve({ exitCode: missing ? 127 : 126, output: text, timedOut: false });
    });
    child.once('exit', () => {
      // What a command leaves in the background may hold its output open; it does not outlive the command here.
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    });
    child.once('close', (code, signal) => {
      cancel();
      const exitCode = signal === null ? (code ?? 0) : 128 + constants.signals[signal];
      resolve({ exitCode, output, timedOut });
    });
  });
}
