// Programs of the machine, run to their end in the network namespace of the node.
// Knows how to start and limit them; what they do is the callers' matter.
import { spawn } from 'node:child_process';
import type { Clock } from '#lib/clock.ts';
import { processesWithVariable, processStartTime, signalProcess } from '../process/proc.ts';
import { NetworkError } from './pod-network.ts';

export interface CommandOptions {
  readonly input?: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until it is killed with all its children; 30,000 when left out. */
  readonly timeoutMs?: number;
}

export interface Finished {
  /** 127 when there is no such program, 128 and more after a signal. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface Commands {
  /** Runs it, whatever comes of it. */
  run(command: readonly string[], options?: CommandOptions): Promise<Finished>;
  /** Runs it and gives what it printed; throws a `NetworkError` with its last words when it fails. */
  must(command: readonly string[], options?: CommandOptions): Promise<string>;
  /** A shell script that ends at its first failure. */
  script(text: string): Promise<string>;
}

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

/** Every program that is run for a pod network carries its owner and its run in this variable. */
const RUN_VARIABLE = 'EVENKEEL_NETWORK_RUN';

/** `netns` is the file of a network namespace in which everything runs; this process's own when left out. */
export function createCommands(clock: Clock, owner: string, netns?: string): Commands {
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
  const mark = { [RUN_VARIABLE]: `${owner} ${thisRun()}` };
  const run = (command: readonly string[], options: CommandOptions = {}): Promise<Finished> =>
    runCommand([...prefix, ...command], { ...options, env: { ...options.env, ...mark } }, clock);
  const must = async (command: readonly string[], options: CommandOptions = {}): Promise<string> => {
    const { exitCode, stdout, stderr, timedOut } = await run(command, options);
    if (exitCode === 0 && !timedOut) return stdout;
    const limit = (options.timeoutMs ?? TIMEOUT_MS) / 1000;
    const why = timedOut ? `it took longer than ${limit} s` : stderr.trim() || `it ended with ${exitCode}`;
    throw new NetworkError(`Command "${command.slice(0, 3).join(' ')}" failed: ${why}`);
  };
  return { run, must, script: (text) => must(['sh', '-es'], { input: text }) };
}

/** This process, told from a later one with the same pid. */
function thisRun(): string {
  return `${process.pid}-${processStartTime(process.pid) ?? ''}`;
}

/**
 * Ends what a run of `owner` that was killed had started: it would go on making what is about to be swept. Resolves when
 * all of it has ended, or after two seconds.
 */
export async function endEarlierCommands(clock: Clock, owner: string): Promise<void> {
  const until = clock.now() + 2_000;
  for (;;) {
    const left = processesWithVariable(RUN_VARIABLE).filter(
      ({ value }) => value.startsWith(`${owner} `) && value !== `${owner} ${thisRun()}`,
    );
    if (left.length === 0 || clock.now() > until) return;
    for (const { pid } of left) signalProcess(pid, 'SIGKILL');
    await new Promise<void>((resolve) => void clock.after(5, resolve));
  }
}

function runCommand(command: readonly string[], options: CommandOptions, clock: Clock): Promise<Finished> {
  return new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      detached: true,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    let timedOut = false;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        if (output[stream].length < MAX_OUTPUT) output[stream] += text;
      });
    }
    const killGroup = (): void => {
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    };
    const cancel = clock.after(options.timeoutMs ?? TIMEOUT_MS, () => {
      timedOut = true;
      killGroup();
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      cancel();
      const stderr = error.code === 'ENOENT' ? `${program} is not installed` : error.message;
      resolve({ exitCode: 127, stdout: '', stderr, timedOut: false });
    });
    // What is left in the background would hold the output open.
    child.once('exit', killGroup);
    child.once('close', (code, signal) => {
      cancel();
      resolve({ exitCode: signal === null ? (code ?? 0) : 137, ...output, timedOut });
    });
    // A program that ends without reading what it is told is judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}
