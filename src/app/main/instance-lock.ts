// One running instance a data directory: a file names who it is, and is taken over only from the dead.
// Knows nothing of what the instance does.
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { codeOf, Failure, messageOf } from '../failure.ts';

/** What the lock file says about its owner. */
export interface Instance {
  readonly pid: number;
  /** Start time of that process in clock ticks since boot, where the system tells: a reused pid is not taken for it. */
  readonly startTicks?: string;
  readonly apiUrl?: string;
  readonly adminUrl?: string;
}

export interface InstanceLock {
  /** Tells more about the owner once it is known. */
  describe(more: Pick<Instance, 'apiUrl' | 'adminUrl'>): void;
  release(): void;
}

/** Takes the lock, or throws a `Failure` that names the process that holds it, and says how it is ended. */
export function acquireLock(
  path: string,
  dataRoot: string,
  howToEnd: (owner: Instance) => string = () => `Stop it with "evenkeel down --data ${dataRoot}"`,
): InstanceLock {
  const self: Instance = { pid: process.pid, ...startTicksOf(process.pid) };
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(self), { mode: 0o600 });
  } catch (error) {
    // A file system such as /proc has directories that look writable and take no file.
    throw new Failure(
      `Cannot write to data directory "${dataRoot}": ${messageOf(error)}`,
      'Choose a place you may write to with --data',
      { cause: error },
    );
  }
  try {
    for (;;) {
      try {
        // A link appears with its content or not at all, and never replaces another.
        linkSync(draft, path);
        break;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const owner = readInstance(path);
      if (owner !== undefined && isAlive(owner)) {
        throw new Failure(
          `Data directory "${dataRoot}" is in use by process ${owner.pid}`,
          `${howToEnd(owner)}, or choose another directory with --data`,
        );
      }
      removeStale(path, owner);
    }
  } finally {
    unlinkSync(draft);
  }
  return {
    describe(more) {
      writeFileSync(draft, JSON.stringify({ ...self, ...more }), { mode: 0o600 });
      renameSync(draft, path);
    },
    release() {
      if (readInstance(path)?.pid === process.pid) unlinkSync(path);
    },
  };
}

/** The owner that the file names; `undefined` when there is none or its text makes no sense. */
export function readInstance(path: string): Instance | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Instance;
    return Number.isInteger(value.pid) ? value : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function isAlive(instance: Instance): boolean {
  try {
    process.kill(instance.pid, 0);
  } catch (error) {
    // EPERM: it lives, as somebody else.
    return codeOf(error) === 'EPERM';
  }
  const now = startTicksOf(instance.pid).startTicks;
  return instance.startTicks === undefined || now === undefined || now === instance.startTicks;
}

/** Moves the file of a dead owner away; when another start was faster, its file goes back. */
function removeStale(path: string, seen: Instance | undefined): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readInstance(aside)?.pid !== seen?.pid) renameSync(aside, path);
  else unlinkSync(aside);
}

/** When a process began; nothing where the system does not tell. */
export function startTicksOf(pid: number): { startTicks?: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; field 22 counts from after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    // A zombie has ended, though its entry still stands.
    const zombie = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z';
    return ticks === undefined ? {} : { startTicks: zombie ? 'ended' : ticks };
  } catch {
    // No /proc on this system: the pid alone has to do.
    return {};
  }
}
