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
