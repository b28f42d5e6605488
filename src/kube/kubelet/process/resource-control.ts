// Holds containers to their limits: by control groups where there are some, else by a watch over their memory.
// Knows pids, limits and readings; how a container is started and ended is the runtime's matter.
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Cgroups, ContainerCgroup, Readings } from '../cgroup/cgroups.ts';
import { MemoryWatch, readFamily } from '../cgroup/memory-watch.ts';
import type { ContainerSpec, StartNote } from '../runtime.ts';
import { joinSteps } from './enter.ts';

const REMEDY = 'run as root on Linux with the cpu, memory and pids controllers to have limits hold';

/** One container under control, from before its start until after its end. */
export interface Control {
  /** Limits that do not hold as they would elsewhere. */
  readonly notes: readonly StartNote[];
  /** Files that take a process into the container's groups. */
  readonly join: readonly string[];
  /** The groups themselves. */
  readonly groups: { readonly version: 1 | 2; readonly dirs: readonly string[] } | undefined;
  /** Pids of the container's processes, where groups tell. */
  pids(): readonly number[];
  /** What a shell does before it becomes the container; empty when nothing is to be done. */
  readonly steps: string;
  /** The first process runs. `kill` ends the container when it has to be ended for its use of memory. */
  started(pid: number, kill: () => void): void;
  oomKilled(): boolean;
  read(pid: number): Readings;
  /** Kills whatever is left, at once. */
  kill(): void;
  /** Frees what is needed no more; resolves when nothing of the container is left. */
  end(): Promise<void>;
}

export class ResourceControl {
  readonly #cgroups: Cgroups | undefined;
  readonly #watch: MemoryWatch;
  readonly #log: Logger;
  #warned = false;

  constructor(cgroups: Cgroups | undefined, clock: Clock, log: Logger) {
    this.#cgroups = cgroups;
    this.#watch = new MemoryWatch(clock);
    this.#log = log;
  }

  take(spec: ContainerSpec): Control {
    const { limits, podLimits } = spec;
    const group = this.#cgroups?.container(spec.podUid, spec.name, limits, podLimits);
    const notes = this.#unenforced(spec);
    const watched = this.#cgroups?.memory === true ? undefined : (limits.memoryBytes ?? podLimits.memoryBytes);
    let cancel: Cancel = () => {};
    let exceeded = false;
    return {
      notes,
      join: group?.join ?? [],
      groups:
        group === undefined || this.#cgroups === undefined
          ? undefined
          : { version: this.#cgroups.version, dirs: group.dirs },
      pids: () => group?.pids() ?? [],
      steps: process.platform === 'linux' ? startSteps(group, spec.oomScoreAdj) : '',
      started: (pid, kill) => {
        if (watched === undefined) return;
        cancel = this.#watch.watch(pid, watched, () => {
          exceeded = true;
          kill();
        });
      },
      oomKilled: () => exceeded || (group?.oomKills() ?? 0) > 0,
      read: (pid) => {
        const counted = group?.read() ?? {};
        return counted.cpuNanos !== undefined && counted.rssBytes !== undefined
          ? counted
          : { ...readFamily(pid), ...counted };
      },
      kill: () => group?.kill(),
      end: async () => {
        cancel();
        await group?.remove();
      },
    };
  }

  async releasePod(podUid: string): Promise<void> {
    await this.#cgroups?.removePod(podUid);
  }

  sweep(): Promise<number> {
    return this.#cgroups?.sweep() ?? Promise.resolve(0);
  }

  #unenforced({ podName, namespace, limits }: ContainerSpec): StartNote[] {
    const memory = limits.memoryBytes !== undefined && this.#cgroups?.memory !== true;
    const cpu = limits.cpuMillis !== undefined && this.#cgroups?.cpu !== true;
    if (!memory && !cpu) return [];
    const what = [
      ...(cpu ? [`the CPU limit of ${limits.cpuMillis}m is not enforced`] : []),
      ...(memory ? ['the memory limit is watched every half second'] : []),
    ].join(', and ');
    const message = `${what[0]?.toUpperCase()}${what.slice(1)}, because no control groups may be used here: ${REMEDY}`;
    // The log says it once: most people never write a limit on a machine without control groups.
    if (!this.#warned) this.#log.warn({ pod: podName, namespace }, message);
    this.#warned = true;
    return [{ reason: 'LimitNotEnforced', message }];
  }
}

/** A score below our own needs a privilege that root in a container may not have; then it stays what it is. */
function startSteps(group: ContainerCgroup | undefined, oomScoreAdj: number): string {
  const score = `{ echo ${oomScoreAdj} > /proc/self/oom_score_adj; } 2> /dev/null || :`;
  return [joinSteps(group?.join ?? []), score].filter(Boolean).join('\n');
}
