// What a process costs, from /proc: CPU time and memory of it, its threads and its children.
// Knows nothing of what the process does.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** Clock ticks a second of /proc/<pid>/stat; 100 on every Linux Node.js runs on. */
const TICKS = 100;

export function isInstalled(program: string): boolean {
  // Programs for the administrator (nginx, haproxy) are not in everyone's path.
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`;
  return spawnSync('/bin/sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: path } }).status === 0;
}

/** How long a server may take until it listens, milliseconds; 10,000 endpoints take some of them a while. */
const START_MS = 60_000;

/** Resolves when something accepts on the port; rejects after a minute, or when `gaveUp` says so. */
export async function listening(port: number, gaveUp: () => boolean = () => false): Promise<void> {
  const until = Date.now() + START_MS;
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
    if (gaveUp() || Date.now() > until) throw new Error(`Nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Seconds of CPU that the process, its threads and its children have used. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, one) => sum + ticksOf(`/proc/${one}/stat`), 0) / TICKS;
}

/** Seconds of CPU of each thread of one process, by thread id. */
export function threadSeconds(pid: number): Map<number, number> {
  return new Map(
    readdirSync(`/proc/${pid}/task`).map((id) => [Number(id), ticksOf(`/proc/${pid}/task/${id}/stat`) / TICKS]),
  );
}

/** Resident memory of the process and its children that is theirs alone or their share of it, in bytes. */
export function memoryBytes(pid: number): number {
  return family(pid).reduce((sum, one) => sum + pssKiB(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8')), 0) * 1024;
}

/** The proportional set size in a `smaps_rollup`; 0 where it is not told. */
export function pssKiB(text: string): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}

/** User and system ticks in a `stat` line; the name in parentheses may hold anything. */
export function statTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function ticksOf(file: string): number {
  return statTicks(readFileSync(file, 'utf8'));
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

/** Files that this process, and so what it starts, may have open. */
export function openFilesLimit(): number {
  return openFilesOf(readFileSync('/proc/self/limits', 'utf8'));
}

/** The soft limit in `/proc/<pid>/limits`. */
export function openFilesOf(text: string): number {
  const word = /^Max open files\s+(\S+)/m.exec(text)?.[1] ?? '0';
  return word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word);
}
