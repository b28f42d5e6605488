// Starts a process with pipes for its output.
// Knows nothing of what it is for; why it could not be started is said in the words of container runtimes.
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type ContainerSpec, ContainerStartError } from '../runtime.ts';
import { openInputPipe } from './input-pipe.ts';
import type { Launch } from './launch.ts';
import { openOutputPipes } from './output-pipes.ts';

export interface Spawned {
  readonly child: ChildProcess;
  /** Its output and its error output. */
  readonly streams: readonly [Readable, Readable];
  /** Its input, when it has any. */
  readonly stdin: Writable | undefined;
  /** Descriptor 3, when it reports on its setup. */
  readonly report: Readable | undefined;
}

export function explainSpawn(spec: ContainerSpec, error: NodeJS.ErrnoException): string {
  const program = spec.command[0] ?? '';
  if (error.code === 'ENOENT') return `exec: "${program}": executable file not found in $PATH`;
  if (error.code === 'EACCES') return `exec: "${program}": permission denied`;
  return `exec: "${program}": ${error.message}`;
}

/** Throws `ContainerStartError` for what no process can be given; other failures come as the child's `error` event. */
export async function spawnWithPipes(
  spec: ContainerSpec,
  { command, env, workingDir, reports }: Pick<Launch, 'command' | 'env' | 'workingDir' | 'reports'>,
): Promise<Spawned> {
  const [program = '', ...args] = command;
  const pipes = await openOutputPipes(dirname(spec.logPath));
  const input = spec.stdin === true ? await openInputPipe(dirname(spec.logPath)) : undefined;
  try {
    const child = spawn(program, args, {
      cwd: workingDir,
      env: { ...env },
      // Its own session: signals of our terminal do not reach it, and one signal reaches all of its processes.
      detached: true,
      stdio: [
        input?.end ?? (spec.stdin === true ? 'pipe' : 'ignore'),
        pipes?.ends[0] ?? 'pipe',
        pipes?.ends[1] ?? 'pipe',
        ...(reports ? (['pipe'] as const) : []),
      ],
    });
    return {
      child,
      streams: [pipes?.stdout ?? child.stdout, pipes?.stderr ?? child.stderr] as [Readable, Readable],
      stdin: input?.stdin ?? child.stdin ?? undefined,
      report: reports ? (child.stdio[3] as Readable) : undefined,
    };
  } catch (error) {
    // Words that no process can be given, e.g. with a NUL in them.
    pipes?.stdout.destroy();
    pipes?.stderr.destroy();
    input?.stdin.destroy();
    throw new ContainerStartError(explainSpawn(spec, error as NodeJS.ErrnoException));
  } finally {
    pipes?.handedOver();
    input?.handedOver();
  }
}
