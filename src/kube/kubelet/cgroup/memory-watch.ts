// Memory limits on machines without control groups: looks at processes from time to time, and ends what grew too large.
// Knows processes under /proc; what a container is, it is told by the pid of its first process.
import type { Cancel, Clock } from '#lib/clock.ts';
import { type ProcessStat, processStats } from '../process/proc.ts';
import type { Readings } from './cgroups.ts';

const EVERY_MS = 500;

interface Watched {
  readonly pid: number;
  readonly limitBytes: number;
  readonly onExceeded: () => void;
}

/** The process, what it started, and what is in its session. */
export function family(all: readonly ProcessStat[], first: number): ProcessStat[] {
  const members = new Set([first]);
  // Children have larger pids than their parents, most of the time: a second round finds the rest.
  for (let size = 0; size !== members.size; ) {
    size = members.size;
    for (const one of all) if (members.has(one.parent) || one.session === first) members.add(one.pid);
  }
  return all.filter((one) => members.has(one.pid));
}

/** Use of a process and its descendants; CPU time of those that ended counts when their parent waited for them. */
export function readFamily(first: number): Readings {
  const members = family(processStats(), first);
  const rss = members.reduce((sum, one) => sum + one.rssBytes, 0);
  return {
    cpuNanos: members.reduce((sum, one) => sum + one.cpuNanos, 0),
    workingSetBytes: rss,
    rssBytes: rss,
  };
}

export class MemoryWatch {
  readonly #watched = new Set<Watched>();
  readonly #clock: Clock;
  #cancel: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onExceeded` once when the processes together hold more than the limit; returns the way to stop. */
  watch(pid: number, limitBytes: number, onExceeded: () => void): Cancel {
    const watched = { pid, limitBytes, onExceeded };
    this.#watched.add(watched);
    this.#cancel ??= this.#clock.every(EVERY_MS, () => this.#look());
    return () => this.#forget(watched);
  }

  #forget(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    const all = processStats();
    for (const watched of [...this.#watched]) {
      const used = family(all, watched.pid).reduce((sum, one) => sum + one.rssBytes, 0);
      if (used <= watched.limitBytes) continue;
      this.#forget(watched);
      watched.onExceeded();
    }
  }
}
