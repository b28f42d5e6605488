// What Linux tells of a process under /proc; on other systems every question is answered with "unknown".
// Knows no container; it only reads.
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process is gone or not ours to look at; both mean that nothing is known.
    return undefined;
  }
}

/**
 * Start time of a process in clock ticks since boot: with the pid it names a process for good. A process that has ended
 * and only waits for its parent to notice (a zombie) counts as gone.
 */
export function processStartTime(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything, so fields are counted from behind it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

/** Whether the process was started with `NAME=value` in its environment. */
export function hasEnvironment(pid: number, entry: string): boolean {
  const environment = read(`/proc/${pid}/environ`);
  return environment?.split('\0').includes(entry) ?? false;
}

/** Pids whose starting environment holds a variable `name`, with its value. */
export function processesWithVariable(name: string): { pid: number; value: string }[] {
  const found: { pid: number; value: string }[] = [];
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return found;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    const variable = read(`/proc/${entry}/environ`)
      ?.split('\0')
      .find((one) => one.startsWith(`${name}=`));
    if (variable !== undefined) found.push({ pid: Number(entry), value: variable.slice(name.length + 1) });
  }
  return found;
}

export function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** User and system time of it, and of ended children it waited for, in nanoseconds. */
  readonly cpuNanos: number;
  readonly rssBytes: number;
}

/** Clock ticks are hundredths of a second on every Linux that Node.js has builds for. */
const TICK_NANOS = 10_000_000;
let pageBytes: number | undefined;

/** 4 KiB on most machines, up to 64 KiB on some. */
function pageSize(): number {
  pageBytes ??= 1024 * Number(/KernelPageSize:\s+(\d+) kB/.exec(read('/proc/self/smaps') ?? '')?.[1] ?? 4);
  return pageBytes;
}

/** All processes that can be looked at; none on systems without /proc. */
export function processStats(): ProcessStat[] {
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const stat = /^\d+$/.test(entry) ? read(`/proc/${entry}/stat`) : undefined;
    if (stat === undefined) return [];
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const number = (index: number): number => Number(fields[index] ?? 0);
    const ticks = number(11) + number(12) + number(13) + number(14);
    return [
      {
        pid: Number(entry),
        parent: number(1),
        session: number(3),
        cpuNanos: ticks * TICK_NANOS,
        rssBytes: number(21) * pageSize(),
      },
    ];
  });
}

/** Sends a signal to a process (or, with a negative pid, to its group); `false` when there is none. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
