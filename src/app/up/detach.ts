// `up --detach`: the cluster lives in a process of its own; this one shows its progress and leaves when all is ready.
// Knows both ends of the channel between the two, and nothing of clusters.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Failure } from '../failure.ts';
import type { Progress, Task } from './progress.ts';

type Message =
  | { readonly type: 'phase'; readonly phase: number; readonly titles: readonly string[] }
  | {
      readonly type: 'update' | 'done' | 'failed';
      readonly phase: number;
      readonly task: number;
      readonly text: string;
    }
  | { readonly type: 'line' | 'warning'; readonly text: string }
  | { readonly type: 'up'; readonly clean: boolean }
  | { readonly type: 'ended'; readonly message: string; readonly remedy: string };

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const CHILD_MARK = 'EVENKEEL_DETACHED';

/** True in the process that carries the cluster. */
export function isDetachedChild(): boolean {
  return process.env[CHILD_MARK] === '1' && process.send !== undefined;
}

function send(message: Message): void {
  // Once the parent has left, nobody listens; the log has it all.
  if (process.connected) process.send?.(message, () => {});
}

/** Progress that is told to the parent. */
export function childProgress(): Progress {
  let phases = 0;
  return {
    async phase(tasks) {
      const phase = phases++;
      send({ type: 'phase', phase, titles: tasks.map(({ title }) => title) });
      const runs = tasks.map(async ({ run }, task) => {
        try {
          send({ type: 'done', phase, task, text: await run((text) => send({ type: 'update', phase, task, text })) });
        } catch (error) {
          send({ type: 'failed', phase, task, text: error instanceof Error ? error.message : String(error) });
          throw error;
        }
      });
      const results = await Promise.allSettled(runs);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    line: (text) => send({ type: 'line', text }),
    warning: (text) => send({ type: 'warning', text }),
  };
}

export function tellUp(clean: boolean): void {
  send({ type: 'up', clean });
}

export function tellEnded(error: Failure): void {
  send({ type: 'ended', message: error.message, remedy: error.remedy });
}

/** Starts the same command in a process of its own and follows it until it is up; whether all went well. */
export async function followDetached(argv: readonly string[], progress: Progress): Promise<boolean> {
  const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, main, ...argv], {
    detached: true,
    // Manifests may come from standard input; nothing is ever written to a terminal that may be gone.
    stdio: [argv.includes('-') ? 'inherit' : 'ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [CHILD_MARK]: '1' },
  });
  // A second Ctrl-C ends the other process on the spot, as it would in the foreground.
  const interrupt = (): void => void child.kill('SIGTERM');
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const phases = new Map<number, { tasks: PendingTask[]; shown: Promise<void> }>();
  try {
    return await new Promise<boolean>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        reject(
          new Failure(
            `The detached process ended early (${signal ?? `exit code ${code}`})`,
            'Run it without --detach to see why',
          ),
        );
      });
      child.on('message', (message: Message) => {
        switch (message.type) {
          case 'phase': {
            const tasks = message.titles.map((title) => pendingTask(title));
            const shown = progress.phase(tasks.map(({ task }) => task));
            shown.catch(() => {});
            phases.set(message.phase, { tasks, shown });
            break;
          }
          case 'update':
            phases.get(message.phase)?.tasks[message.task]?.update(message.text);
            break;
          case 'done':
            phases.get(message.phase)?.tasks[message.task]?.resolve(message.text);
            break;
          case 'failed':
            phases.get(message.phase)?.tasks[message.task]?.reject(new Error(message.text));
            break;
          case 'line':
          case 'warning':
            afterPhases(phases, () => progress[message.type](message.text));
            break;
          case 'up':
            afterPhases(phases, () => resolve(message.clean));
            break;
          case 'ended':
            afterPhases(phases, () => reject(new Failure(message.message, message.remedy)));
            break;
        }
      });
    });
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Lines never cut into a list that is still being drawn. */
function afterPhases(phases: ReadonlyMap<number, { shown: Promise<void> }>, fn: () => void): void {
  void Promise.allSettled([...phases.values()].map(({ shown }) => shown)).then(fn);
}

interface PendingTask {
  readonly task: Task;
  update(text: string): void;
  resolve(text: string): void;
  reject(error: Error): void;
}

function pendingTask(title: string): PendingTask {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  promise.catch(() => {});
  let show: (text: string) => void = () => {};
  const run: Task['run'] = (update) => {
    show = update;
    return promise;
  };
  return { task: { title, run }, update: (text) => show(text), resolve, reject };
}
