// At most one service proxy a network namespace: two would write, and remove, the same rules.
// An abstract socket, which the kernel keeps by namespace and frees whatever way its holder ends; knows no rule.
import { readlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { codeOf, Failure } from '../failure.ts';

const NAME = '\0evenkeel-service-proxy';
/** A holder that is busy answers late. */
const ANSWER_MS = 2_000;
/** Whoever held it a moment ago may be gone when it is asked. */
const TRIES = 5;

interface Holder {
  readonly pid: number;
  /** Process ids mean something within it alone. */
  readonly pidNamespace: string;
  /** What it is there for, e.g. `for node "n1"`. */
  readonly purpose: string;
}

/**
 * Resolves with how to let go. Throws a `Failure` that names the process that has the namespace; `remedy` is what a
 * person does then.
 */
export async function holdNamespace(purpose: string, remedy: string): Promise<() => void> {
  const self: Holder = { pid: process.pid, pidNamespace: pidNamespace(), purpose };
  for (let left = TRIES; ; left--) {
    const server = await listen(self);
    if (server !== undefined) return () => void server.close();
    const holder = await ask();
    if (holder === 'gone' && left > 1) continue;
    throw new Failure(`Another service proxy works in this network namespace: ${described(holder)}`, remedy);
  }
}

/** Undefined when somebody else has the name. */
async function listen(self: Holder): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(JSON.stringify(self));
  });
  return await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(NAME, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** `gone`: there is nobody any more; `silent`: whoever it is does not say. */
async function ask(): Promise<Holder | 'gone' | 'silent'> {
  return await new Promise((resolve) => {
    const socket = connect(NAME);
    let text = '';
    socket.setTimeout(ANSWER_MS, () => {
      resolve('silent');
      socket.destroy();
    });
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.once('error', () => resolve('gone'));
    socket.once('close', () => resolve(read(text) ?? 'silent'));
  });
}

function read(text: string): Holder | undefined {
  try {
    const { pid, pidNamespace, purpose } = JSON.parse(text) as Partial<Holder>;
    if (typeof pid !== 'number' || typeof pidNamespace !== 'string' || typeof purpose !== 'string') return undefined;
    return { pid, pidNamespace, purpose };
  } catch {
    return undefined;
  }
}

function described(holder: Holder | 'gone' | 'silent'): string {
  if (holder === 'gone' || holder === 'silent') return 'a process that does not say who it is';
  const { pid, purpose } = holder;
  const where = holder.pidNamespace === pidNamespace() ? '' : ' of another PID namespace';
  return `process ${pid}${where}, ${purpose}`;
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // A system without it has no abstract sockets either.
    return '';
  }
}
