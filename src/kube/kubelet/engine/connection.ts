// A request that becomes a connection to a process of a container, and what comes over it as its outputs.
// Knows how both engines hand connections over (Docker Engine API, "Attach to a container"); knows no container.
import { request } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { type EngineApi, refusalOf } from './engine-api.ts';
import { FrameReader } from './frames.ts';

/**
 * Keys that an engine takes for the wish to leave a terminal, and keeps for itself. Without any named they are Ctrl-P
 * Ctrl-Q, and a shell's Ctrl-P would come late: these nobody types.
 */
export const DETACH_KEYS = 'ctrl-@,ctrl-^,ctrl-_,ctrl-@,ctrl-_,ctrl-^';

/** The connection behind the request, which both sides use as they please from then on. Throws `EngineError`. */
export function takeOver(api: EngineApi, path: string, body?: unknown): Promise<Duplex> {
  const content = body === undefined ? '' : JSON.stringify(body);
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
        ...(content === '' ? {} : { 'content-type': 'application/json' }),
        'content-length': Buffer.byteLength(content),
      },
    });
    sent.once('upgrade', (_answer, socket: Duplex, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      // Whoever waits for its end is told; there is nothing more to learn from how it broke.
      socket.on('error', () => {});
      resolve(socket);
    });
    sent.once('response', (answer) => refusalOf(answer).then(reject, reject));
    sent.once('error', reject);
    sent.end(content);
  });
}

export interface Outputs {
  readonly stdout: Readable;
  /** Ends at once where a terminal takes both. */
  readonly stderr: Readable;
  /** Resolves when nothing more comes. */
  readonly ended: Promise<void>;
}

/**
 * podman's own, said on the command's error output when a command has ended without reading its input. No failure of
 * anybody's: what the command said and how it ended is told beside it.
 */
const UNREAD_INPUT = /^Error: (read|write) unixpacket \S+: \w+: connection reset by peer\n$/;
const UNREAD_INPUT_MAX = 200;

/** What a process says, taken from the connection as fast as both of its outputs are read. */
export function outputsOf(socket: Duplex, tty: boolean): Outputs {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const frames = new FrameReader((stream, payload) => {
    if (stream === 'stdout') stdout.write(payload);
    else if (payload.length > UNREAD_INPUT_MAX || !UNREAD_INPUT.test(payload.toString('latin1'))) stderr.write(payload);
  });
  if (tty) stderr.end();
  socket.on('data', (chunk: Buffer) => {
    if (tty) stdout.write(chunk);
    else frames.push(chunk);
    if (stdout.writableNeedDrain || stderr.writableNeedDrain) socket.pause();
  });
  for (const output of [stdout, stderr]) {
    output.on('drain', () => {
      if (!stdout.writableNeedDrain && !stderr.writableNeedDrain) socket.resume();
    });
    // One who reads no more holds nobody up.
    output.once('close', () => socket.resume());
    output.on('error', () => {});
  }
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', resolve);
  });
  void ended.then(() => {
    stdout.end();
    stderr.end();
  });
  return { stdout, stderr, ended };
}
