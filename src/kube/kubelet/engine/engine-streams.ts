// Commands inside a container of an engine with open streams, for people: kubectl exec and cp.
// Knows the engine's exec calls and the connection that they turn into (Docker Engine API, "Start an exec instance").
import type { ExecOptions, OpenStreams } from '../runtime.ts';
import { DETACH_KEYS, outputsOf, takeOver } from './connection.ts';
import type { EngineApi } from './engine-api.ts';
import { Resizer } from './resizer.ts';

interface Inspected {
  readonly Running: boolean;
  readonly ExitCode: number;
}

const POLL_MS = 20;
/** Of a command whose streams have ended, for the engine to notice. */
const END_MS = 10_000;

/** Throws what the engine says when it will not run the command. */
export async function openIn(
  api: EngineApi,
  prefix: string,
  container: string,
  { command, stdin, tty, size }: ExecOptions,
): Promise<OpenStreams> {
  const { Id: id } = await api.json<{ Id: string }>('POST', `${prefix}/containers/${container}/exec`, {
    AttachStdin: stdin,
    AttachStdout: true,
    AttachStderr: !tty,
    Tty: tty,
    DetachKeys: DETACH_KEYS,
    Cmd: command,
  });
  const socket = await takeOver(api, `${prefix}/exec/${id}/start`, { Detach: false, Tty: tty });
  const resizer = new Resizer(api, `${prefix}/exec/${id}`);
  if (tty && size !== undefined) resizer.resize(size);
  const { stdout, stderr, ended } = outputsOf(socket, tty);
  let left = false;
  const exited = ended.then(async () => {
    resizer.stop();
    // Whoever has left learns nothing of the command, which goes on.
    const exitCode = left ? 0 : await exitCodeOf(api, `${prefix}/exec/${id}/json`);
    socket.destroy();
    return { exitCode };
  });
  return {
    ...(stdin ? { stdin: socket } : {}),
    stdout,
    ...(tty ? {} : { stderr }),
    exited,
    resize: (to) => {
      if (tty) resizer.resize(to);
    },
    hangUp: () => {
      left = true;
      socket.destroy();
    },
  };
}

async function exitCodeOf(api: EngineApi, path: string): Promise<number> {
  const deadline = performance.now() + END_MS;
  for (;;) {
    const { Running, ExitCode } = await api
      .json<Inspected>('GET', path)
      // An engine forgets a command with its container.
      .catch((): Inspected => ({ Running: false, ExitCode: 137 }));
    if (!Running) return ExitCode;
    // Its streams are closed, and it goes on by itself.
    if (performance.now() > deadline) return 0;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
