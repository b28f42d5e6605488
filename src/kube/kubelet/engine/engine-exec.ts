// One command run inside a container of an engine, to its end, with a limit on time and output.
// Knows the engine's exec calls; probes and hooks use it.
import type { Clock } from '#lib/clock.ts';
import type { ExecResult } from '../runtime.ts';
import type { EngineApi } from './engine-api.ts';
import { FrameReader } from './frames.ts';

const MAX_OUTPUT = 10 * 1024;

interface Access {
  readonly api: EngineApi;
  readonly prefix: string;
  readonly clock: Clock;
}

/** Never rejects: what the engine refuses is the exit code 126, as of a command that cannot be started. */
export async function execIn(
  { api, prefix, clock }: Access,
  container: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<ExecResult> {
  let output = '';
  try {
    const { Id } = await api.json<{ Id: string }>('POST', `${prefix}/containers/${container}/exec`, {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
    });
    const answer = await api.open('POST', `${prefix}/exec/${Id}/start`, { Detach: false, Tty: false });
    let timedOut = false;
    const cancel = clock.after(timeoutMs, () => {
      timedOut = true;
      answer.destroy();
    });
    const frames = new FrameReader((_stream, payload) => {
      if (output.length < MAX_OUTPUT) output = (output + payload.toString('utf8')).slice(0, MAX_OUTPUT);
    });
    try {
      for await (const chunk of answer) frames.push(chunk as Buffer);
    } catch (error) {
      if (!timedOut) throw error;
    } finally {
      cancel();
    }
    if (timedOut) return { exitCode: 137, output, timedOut };
    const { ExitCode } = await api.json<{ ExitCode: number }>('GET', `${prefix}/exec/${Id}/json`);
    return { exitCode: ExitCode, output, timedOut };
  } catch (error) {
    return { exitCode: 126, output: output + (error as Error).message, timedOut: false };
  }
}
