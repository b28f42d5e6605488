// A command beside the container's own, with its streams open: `kubectl exec`.
// Knows processes and pipes; who is at the other end of the streams is the caller's matter.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Clock } from '#lib/clock.ts';
import type { ExecOptions, OpenStreams } from '../runtime.ts';
import { commandInside, type Inside } from './enter.ts';
import { openInputPipe } from './input-pipe.ts';
import { openOutputPipes } from './output-pipes.ts';
import { signalProcess } from './proc.ts';
import { atTerminal, TerminalResizer } from './terminal.ts';

interface Tools {
  /** Directory for pipes while they are made. */
  readonly scratch: string;
  readonly clock: Clock;
}

/** A container that knows of no terminal has one now. */
function withTerm(command: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'test -n "$TERM" || export TERM=xterm; exec "$@"', 'sh', ...command];
}

/** Rejects when the process cannot be made at all; a program that is not there ends with 127, as in a shell. */
export async function openProcess(inside: Inside, options: ExecOptions, tools: Tools): Promise<OpenStreams> {
  const { tty, size } = options;
  const { command } = options;
  // The terminal is made inside: a shell there cannot work with a session whose leader it has no number for.
  const put = commandInside(inside, tty ? atTerminal(withTerm(command), size) : command);
  const [program = '', ...args] = put.command;
  const pipes = await openOutputPipes(tools.scratch);
  // A terminal whose input has ended would say so to the command.
  const input = options.stdin || tty ? await openInputPipe(tools.scratch) : undefined;
  try {
    const child = spawn(program, args, {
      cwd: put.workingDir,
      env: { ...put.env },
      detached: true,
      stdio: [
        input?.end ?? (options.stdin || tty ? 'pipe' : 'ignore'),
        pipes?.ends[0] ?? 'pipe',
        pipes?.ends[1] ?? 'pipe',
      ],
    });
    child.on('error', () => {});
    const exited = new Promise<{ exitCode: number }>((resolve) => {
      child.once('exit', (code, signal) => {
        resolve({ exitCode: signal === null ? (code ?? 0) : 128 + constants.signals[signal] });
      });
    });
    if (child.pid === undefined) await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const resizer = new TerminalResizer(pid, tools.clock);
    const stdin = input?.stdin ?? child.stdin ?? undefined;
    stdin?.on('error', () => stdin.destroy());
    const stdout = (pipes?.stdout ?? child.stdout) as Readable;
    const stderr = (pipes?.stderr ?? child.stderr) as Readable;
    if (tty) stderr.resume();
    void exited.then(() => stdin?.destroy());
    return {
      ...(options.stdin && stdin !== undefined ? { stdin } : {}),
      stdout,
      ...(tty ? {} : { stderr }),
      exited,
      resize: (wanted) => {
        if (tty) resizer.resize(wanted);
      },
      hangUp: () => {
        stdin?.destroy();
        stdout.destroy();
        stderr.destroy();
        if (child.exitCode !== null || child.signalCode !== null) return;
        // The end of what holds a terminal hangs it up; without one the signal says the same.
        signalProcess(tty ? pid : -pid, tty ? 'SIGKILL' : 'SIGHUP');
      },
    };
  } catch (error) {
    pipes?.stdout.destroy();
    pipes?.stderr.destroy();
    input?.stdin.destroy();
    throw error;
  } finally {
    pipes?.handedOver();
    input?.handedOver();
  }
}
