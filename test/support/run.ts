// Runs a program to its end and keeps what it said.
// Knows no program.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
/** The real entry that people use. */
export const evenkeelBinary = `${repository}bin/evenkeel`;

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Leaves the input open, for what is typed later. */
  readonly openInput?: boolean;
  /** Longest time; the program is killed then, and the run fails. */
  readonly timeoutMs?: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it has said so far. */
  output(): { stdout: string; stderr: string };
}

export function start(file: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(file, args, { env: { ...process.env, ...options.env }, cwd: repository });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that ends before it has read everything is not our failure.
  child.stdin.on('error', () => {});
  if (options.openInput !== true) child.stdin.end(options.input ?? '');
  const timer =
    options.timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
  finished.catch(() => {});
  return { child, finished, output: () => ({ stdout, stderr }) };
}

/** Runs to the end; whatever the exit code. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(file, args, { timeoutMs: 120_000, ...options }).finished;
}

/** Runs to the end and fails, with everything the program said, unless it exits with 0. */
export async function mustRun(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, signal, stdout, stderr } = await run(file, args, options);
  if (code !== 0) {
    throw new Error(`${file} ${args.join(' ')} ended with ${signal ?? `exit code ${code}`}\n${stdout}\n${stderr}`);
  }
  return stdout;
}

export function evenkeel(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(evenkeelBinary, args, options);
}
