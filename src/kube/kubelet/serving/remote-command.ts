// Exec and attach: joins the client's streams to those of a process of the container.
// Knows neither SPDY nor WebSocket; those are in kube/streaming.
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { Outcome } from '#kube/streaming/remotecommand/outcome.ts';
import type { RemoteCommand, StreamOptions } from '#kube/streaming/remotecommand/remote-command.ts';
import type { TerminalSize } from '#kube/streaming/remotecommand/resize.ts';
import type { Clock } from '#lib/clock.ts';
import type { ExecOptions, OpenStreams, RunningContainer } from '../runtime.ts';

/** How long the first size of the client's terminal is waited for, so that programs start with it, in milliseconds. */
const FIRST_SIZE_MS = 200;
/** How long output may still come after the process has ended, in milliseconds. */
const DRAIN_MS = 500;

/** `1` in the kubelet's own paths. */
const isSet = (query: URLSearchParams, name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');

/** The streams of a request's query; an `Error` when it asks for none. */
export function streamOptions(query: URLSearchParams): StreamOptions {
  const tty = isSet(query, 'tty');
  const options = {
    stdin: isSet(query, 'input'),
    stdout: isSet(query, 'output'),
    // A terminal has one output.
    stderr: isSet(query, 'error') && !tty,
    tty,
  };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw new Error('you must specify at least 1 of stdin, stdout, stderr');
  }
  return options;
}

/** Runs the command for the client; resolves when both are done. */
export async function serveExec(
  remote: RemoteCommand,
  running: RunningContainer,
  options: Pick<ExecOptions, 'command' | 'stdin' | 'tty'>,
  clock: Clock,
): Promise<void> {
  const size = options.tty ? await firstSize(remote, clock) : undefined;
  let streams: OpenStreams;
  try {
    if (running.open === undefined)
      throw new Error(`the runtime "${running.runtime}" cannot run commands with open streams`);
    streams = await running.open({ ...options, ...(size === undefined ? {} : { size }) });
  } catch (error) {
    return await remote.finish({ failure: `error executing command in container: ${(error as Error).message}` });
  }
  await join(remote, streams, async () => await streams.exited, clock);
}

export async function serveAttach(
  remote: RemoteCommand,
  running: RunningContainer,
  options: StreamOptions,
  clock: Clock,
): Promise<void> {
  if (running.attach === undefined) {
    const failure = `error attaching to container: the runtime "${running.runtime}" cannot be attached to`;
    return await remote.finish({ failure });
  }
  const streams = running.attach(options);
  // As upstream: how the container ended is in its status, not here.
  await join(remote, streams, async () => void (await streams.exited), clock);
}

async function firstSize(remote: RemoteCommand, clock: Clock): Promise<TerminalSize | undefined> {
  const { promise, resolve } = Promise.withResolvers<TerminalSize | undefined>();
  const cancel = clock.after(FIRST_SIZE_MS, () => resolve(undefined));
  remote.onSize(resolve);
  const size = await promise;
  cancel();
  return size;
}

async function join(
  remote: RemoteCommand,
  streams: OpenStreams,
  ended: () => Promise<{ exitCode: number } | undefined>,
  clock: Clock,
): Promise<void> {
  remote.onSize((size) => streams.resize(size));
  if (remote.stdin !== undefined) {
    if (streams.stdin === undefined) remote.stdin.resume();
    else remote.stdin.pipe(streams.stdin);
  }
  const outputs = [carry(streams.stdout, remote.stdout), carry(streams.stderr, remote.stderr)];
  const outcome = ended().then(async (exit): Promise<Outcome> => {
    // Something that was left in the background may hold the output open for good.
    const late = new Promise<void>((resolve) => void clock.after(DRAIN_MS, resolve));
    await Promise.race([Promise.all(outputs), late.then(() => quiet([streams.stdout, streams.stderr], clock))]);
    return { exitCode: exit?.exitCode ?? 0 };
  });
  const result = await Promise.race([outcome, remote.closed.then(() => undefined)]);
  if (result === undefined) return streams.hangUp();
  remote.stdin?.unpipe();
  await Promise.race([remote.finish(result), remote.closed]);
  streams.hangUp();
}

/** Resolves when everything was taken over; a client that does not want it lets it go. */
async function carry(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from === undefined) return;
  from.on('error', () => {});
  const ended = Promise.race([once(from, 'end'), once(from, 'close')]).catch(() => {});
  if (to === undefined) from.resume();
  else from.pipe(to, { end: false });
  await ended;
}

/** Resolves when nothing has come for a while, and nothing waits to be taken. */
async function quiet(streams: readonly (Readable | undefined)[], clock: Clock): Promise<void> {
  let busy = true;
  const onData = (): void => {
    busy = true;
  };
  for (const stream of streams) stream?.on('data', onData);
  while (busy) {
    busy = streams.some((stream) => stream !== undefined && stream.readableLength > 0);
    await new Promise<void>((resolve) => void clock.after(DRAIN_MS, resolve));
  }
  for (const stream of streams) stream?.off('data', onData);
}
