// One process of a node: started, told to end, killed; and remembered on disk for whoever comes after a crash.
// Knows a command and no cluster.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Instance, isAlive, readInstance, startTicksOf } from '../../main/instance-lock.ts';

/** What it said last, for those who ask why it ended. */
const LAST_WORDS = 2_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly words: string;
}

export class NodeProcess {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  /** `file` says which process it is, as long as it runs. */
  constructor(command: readonly string[], file: string) {
    const [program = '', ...args] = command;
    // A session of its own: Ctrl-C is for us, and we end it in order.
    const child = spawn(program, args, { detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
    this.#child = child;
    this.pid = child.pid ?? 0;
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-LAST_WORDS);
    });
    child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: 127, signal: null, words: error.message }));
      child.once('close', (code, signal) => {
        rmSync(file, { force: true });
        resolve({ code, signal, words: words.trim() });
      });
    });
    if (child.pid === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ pid: child.pid, ...startTicksOf(child.pid) } satisfies Instance));
  }

  /** Its input ends: it ends its pods, then itself. The same happens when this process is no more. */
  stop(): void {
    this.#child.stdin?.end();
  }

  /** On the spot. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Kills a process that an earlier run left; whether there was one. */
export async function killLeftover(file: string): Promise<boolean> {
  const instance = readInstance(file);
  rmSync(file, { force: true });
  if (instance === undefined || !isAlive(instance)) return false;
  process.kill(instance.pid, 'SIGKILL');
  while (isAlive(instance)) await new Promise((resolve) => setTimeout(resolve, 10));
  return true;
}
