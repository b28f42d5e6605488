// Commands inside a container of an engine with open streams, for people: kubectl exec and cp.
// Knows the engine's exec calls and the connection that they turn into (Docker Engine API, "Start an exec instance").
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import type { ExecOptions, OpenStreams, TerminalSize } from '../runtime.ts';
import { type EngineApi, EngineError } from './engine-api.ts';
import { FrameReader } from './frames.ts';

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
    Cmd: command,
  });
  const resize = async ({ columns, rows }: TerminalSize): Promise<void> => {
    await api.json('POST', `${prefix}/exec/${id}/resize?h=${rows}&w=${columns}`);
  };
  const socket = await takeOver(api, `${prefix}/exec/${id}/start`, { Detach: false, Tty: tty });
  // The terminal is there once the command is; a size that comes too early is said again by the client's next change.
  if (tty && size !== undefined) resize(size).catch(() => {});
  const stdout = new PassThrough();
  const stderr = tty ? undefined : new PassThrough();
  const frames = new FrameReader((stream, payload) => (stream === 'stderr' ? stderr : stdout)?.write(payload));
  socket.on('data', (chunk: Buffer) => {
    if (tty) stdout.write(chunk);
    else frames.push(chunk);
    // Nothing is read while the client takes nothing.
    if (stdout.writableNeedDrain || stderr?.writableNeedDrain === true) socket.pause();
  });
  for (const output of [stdout, stderr]) output?.on('drain', () => socket.resume());
  const ended = new Promise<void>((resolve) => {
    socket.on('error', () => {});
    socket.once('end', resolve);
    socket.once('close', resolve);
  });
  const exited = ended.then(async () => {
    stdout.end();
    stderr?.end();
    const exitCode = await exitCodeOf(api, `${prefix}/exec/${id}/json`);
    socket.destroy();
    return { exitCode };
  });
  return {
    ...(stdin ? { stdin: socket } : {}),
    stdout,
    ...(stderr === undefined ? {} : { stderr }),
    exited,
    resize: (to) => {
      if (tty) resize(to).catch(() => {});
    },
    hangUp: () => socket.destroy(),
  };
}

/** The connection behind the request, which both sides use as they please from then on. */
function takeOver(api: EngineApi, path: string, body: unknown): Promise<Duplex> {
  const content = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request({
      socketPath: api.socketPath,
      method: 'POST',
      path,
      agent: false,
      headers: {
        host: 'engine',
        connection: 'Upgrade',
        upgrade: 'tcp',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content),
      },
    });
    sent.once('upgrade', (_answer, socket: Duplex, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    sent.once('response', (answer) => {
      answer.resume();
      reject(new EngineError(answer.statusCode ?? 0, `the engine does not open streams (${answer.statusCode})`));
    });
    sent.once('error', reject);
    sent.end(content);
  });
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
