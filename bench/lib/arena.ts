// Where a benchmark takes place: its directory, its ports, its cores, and the programs it started.
// Ends exactly those programs, also after an error or Ctrl-C. Knows nothing of what they serve.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, listening } from './processes.ts';

/** Pins a process to a core; without it the figures are as honest but less steady. */
const PIN = 'taskset';

/** Below the range that the kernel and tests with port 0 take theirs from. */
const FIRST_PORT = 18_400;

export interface StartOptions {
  /** Wherever the scheduler puts it, when left out. */
  readonly core?: number | undefined;
  /** A Node.js program that exchanges messages with us. */
  readonly ipc?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

export class Arena {
  readonly directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  /** Load and backends on one core, the proxies on the other; undefined on a machine with one. */
  readonly loadCore: number | undefined;
  readonly proxyCore: number | undefined;
  readonly #children: ChildProcess[] = [];
  readonly #said = new WeakMap<ChildProcess, string>();
  #nextPort = FIRST_PORT;

  constructor() {
    const pinned = availableParallelism() > 1 && isInstalled(PIN);
    // Servers that give up their privileges have to reach what they serve.
    chmodSync(this.directory, 0o711);
    this.loadCore = pinned ? 0 : undefined;
    this.proxyCore = pinned ? 1 : undefined;
  }

  /** A port nobody listens on, of 127.0.0.1. */
  async port(): Promise<number> {
    for (;;) {
      const port = this.#nextPort++;
      if (await isFree(port)) return port;
    }
  }

  async ports(count: number): Promise<number[]> {
    const ports: number[] = [];
    for (let i = 0; i < count; i++) ports.push(await this.port());
    return ports;
  }

  /** The path of a file of that name with that content, readable by us alone unless it is to be served. */
  file(name: string, content: string | Buffer, mode = 0o600): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  start(command: string, args: readonly string[], options: StartOptions = {}): ChildProcess {
    const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', ...(options.ipc ? ['ipc' as const] : [])];
    const child = this.#spawn(command, args, options, stdio);
    this.#children.push(child);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
      this.#said.set(child, said);
      if (options.ipc) process.stderr.write(text);
    });
    return child;
  }

  /** Starts a server and waits until it accepts on `port`; what it said goes into the error when it does not. */
  async serve(
    command: string,
    args: readonly string[],
    port: number,
    options: StartOptions = {},
  ): Promise<ChildProcess> {
    const child = this.start(command, args, options);
    let ended = false;
    child.once('exit', () => {
      ended = true;
    });
    try {
      await listening(port, () => ended);
    } catch (error) {
      throw new Error(`${command} does not serve: ${this.saidBy(child)}`, { cause: error });
    }
    child.once('exit', (code, signal) => {
      // Whoever is still on the list was not ended by us.
      if (this.#children.includes(child)) console.error(`${command} ended (${signal ?? code}): ${this.saidBy(child)}`);
    });
    return child;
  }

  /** Runs a load tool on the load core to its end; its standard output. */
  async output(command: string, args: readonly string[], core = this.loadCore): Promise<string> {
    const child = this.#spawn(command, args, { core }, ['ignore', 'pipe', 'inherit']);
    this.#children.push(child);
    let text = '';
    child.stdout?.setEncoding('utf8');
    for await (const piece of child.stdout ?? []) text += piece;
    this.#children.splice(this.#children.indexOf(child), 1);
    return text;
  }

  #spawn(command: string, args: readonly string[], options: StartOptions, stdio: StdioOptions): ChildProcess {
    const words = options.core === undefined ? [command, ...args] : [PIN, '-c', String(options.core), command, ...args];
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`;
    const env = { ...process.env, PATH: path, ...options.env };
    // Maps and absent values arrive as they are.
    const child = spawn(words[0] as string, words.slice(1), { stdio, env, serialization: 'advanced' });
    // A program that cannot be started is noticed by whoever waits for its port.
    child.on('error', (error) => console.error(`Cannot start ${command}: ${error.message}`));
    return child;
  }

  /** The end of what a program wrote to standard error. */
  saidBy(child: ChildProcess): string {
    return this.#said.get(child) ?? '';
  }

  async stop(child: ChildProcess): Promise<void> {
    const at = this.#children.indexOf(child);
    if (at >= 0) this.#children.splice(at, 1);
    await ended(child);
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.splice(0).map(ended));
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Where nothing can be waited for any more. */
  closeNow(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Gives `body` an arena and takes it down behind it, whatever happens. */
export async function inArena<T>(body: (arena: Arena) => Promise<T>): Promise<T> {
  const arena = new Arena();
  const interrupted = (): void => {
    void arena.close().then(() => process.exit(130));
  };
  const exiting = (): void => arena.closeNow();
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  process.on('exit', exiting);
  try {
    return await body(arena);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    await arena.close();
    process.off('exit', exiting);
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      resolve();
      return;
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
