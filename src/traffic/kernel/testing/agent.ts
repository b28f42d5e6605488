// The test's side of an agent: starts it in a namespace, gives orders and gets answers.
// Knows nothing of what is probed.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Answers, Order } from './agent-words.ts';

const PROGRAM = fileURLToPath(new URL('./agent-main.ts', import.meta.url));

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

export class Agent {
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #pending = new Map<number, Pending>();
  #said = 0;
  #stderr = '';

  /** `group`: folder of the control group that it is to be in. */
  constructor(name: string, netns: string, group?: string) {
    this.name = name;
    const inside = ['nsenter', `--net=${netns}`, '--', process.execPath, PROGRAM, name];
    const join = ['sh', '-ec', 'echo $$ > "$0/cgroup.procs"; exec "$@"', group ?? ''];
    const [program = '', ...args] = group === undefined ? inside : [...join, ...inside];
    this.#child = spawn(program, args);
    this.#child.stderr.on('data', (text) => {
      this.#stderr = `${this.#stderr}${text}`.slice(-2000);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#heard(line));
    this.#child.once('close', () => this.#failAll());
    // Writing to one that ended is told by its end.
    this.#child.stdin.on('error', () => undefined);
  }

  async tell<O extends Order>(order: O): Promise<Answers[O['do']]> {
    const id = this.#said++;
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, order })}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #heard(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result: never; error?: string };
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(`Agent ${this.name}: ${error}`));
  }

  #failAll(): void {
    for (const { reject } of this.#pending.values()) reject(new Error(`Agent ${this.name} ended: ${this.#stderr}`));
    this.#pending.clear();
  }
}
