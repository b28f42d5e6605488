// Starts the programs of a benchmark on a chosen core, waits for their ports, and ends exactly those it started.
// Knows nothing of what they serve.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** Clock ticks a second of /proc/<pid>/stat; 100 on every Linux Node.js runs on. */
const TICKS = 100;

/** Pins a process to a core; without it the figures are as honest but less steady. */
export const PIN = 'taskset';

const started: ChildProcess[] = [];

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** Starts `command` on `core` (undefined: wherever) in a process group of its own. */
export function start(command: string, args: readonly string[], core: number | undefined): ChildProcess {
  const pin = core !== undefined && isInstalled(PIN);
  const child = pin
    ? spawn(PIN, ['-c', String(core), command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    : spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  started.push(child);
  return child;
}

export async function stopAll(): Promise<void> {
  await Promise.all(
    started.splice(0).map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) {
            resolve();
            return;
          }
          const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
          child.on('exit', () => {
            clearTimeout(timer);
            resolve();
          });
          child.kill('SIGTERM');
        }),
    ),
  );
}

/** Resolves when something accepts on the port; rejects after ten seconds. */
export async function listening(port: number): Promise<void> {
  const until = Date.now() + 10_000;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    if (Date.now() > until) throw new Error(`Nothing listens on port ${port} after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Seconds of CPU that the process, its threads and its children have used. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const one of family(pid)) {
    const stat = readFileSync(`/proc/${one}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS;
}

/** The process and its children: nginx and HAProxy serve from a child. */
function family(pid: number): number[] {
  const all = [pid];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim();
    if (children !== '') for (const child of children.split(' ')) all.push(...family(Number(child)));
  }
  return all;
}
