// Control groups of version 1: a tree for each controller, with files of its own.
// Knows paths and file formats; who is in a group is none of its business.
import { join } from 'node:path';
import type { CgroupDriver, Readings } from './cgroups.ts';
import { readKey, readNumber, readText, tryWrite } from './files.ts';
import { CPU_PERIOD_US, cpuQuotaUs, type ResourceLimits } from './limits.ts';

/** Controllers that are used; each may lack, and two may share a tree. */
export const V1_CONTROLLERS = ['memory', 'cpu', 'cpuacct', 'pids', 'freezer'] as const;
type V1Controller = (typeof V1_CONTROLLERS)[number];

/** Base directory by controller. */
export type V1Bases = Readonly<Partial<Record<V1Controller, string>>>;

export class V1Driver implements CgroupDriver {
  readonly version = 1;
  readonly memory: boolean;
  readonly cpu: boolean;
  readonly #bases: V1Bases;

  constructor(bases: V1Bases) {
    this.#bases = bases;
    this.memory = bases.memory !== undefined;
    this.cpu = bases.cpu !== undefined;
  }

  #file(controller: V1Controller, path: string, name: string): string | undefined {
    const base = this.#bases[controller];
    return base === undefined ? undefined : join(base, path, name);
  }

  dirs(path: string): string[] {
    return [...new Set(Object.values(this.#bases))].map((base) => join(base, path));
  }

  settings(path: string, limits: ResourceLimits): { file: string; value: string }[] {
    const { cpuShares, cpuMillis, memoryBytes, pids } = limits;
    const wanted: [V1Controller, string, number | undefined][] = [
      ['cpu', 'cpu.shares', cpuShares],
      ['cpu', 'cpu.cfs_period_us', cpuMillis === undefined ? undefined : CPU_PERIOD_US],
      ['cpu', 'cpu.cfs_quota_us', cpuMillis === undefined ? undefined : cpuQuotaUs(cpuMillis)],
      ['memory', 'memory.limit_in_bytes', memoryBytes],
      // Without it the limit would only push the container into swap.
      ['memory', 'memory.memsw.limit_in_bytes', memoryBytes],
      ['pids', 'pids.max', pids],
    ];
    return wanted.flatMap(([controller, name, value]) => {
      const file = this.#file(controller, path, name);
      return file === undefined || value === undefined ? [] : [{ file, value: String(value) }];
    });
  }

  delegation(path: string): { file: string; value: string }[] {
    const file = this.#file('memory', path, 'memory.use_hierarchy');
    return file === undefined ? [] : [{ file, value: '1' }];
  }

  processes(path: string): string {
    return join(this.dirs(path)[0] ?? '', 'cgroup.procs');
  }

  read(path: string): Readings {
    const number = (controller: V1Controller, name: string): number | undefined => {
      const file = this.#file(controller, path, name);
      return file === undefined ? undefined : readNumber(file);
    };
    const cpuNanos = number('cpuacct', 'cpuacct.usage');
    const used = number('memory', 'memory.usage_in_bytes');
    const stat = this.#file('memory', path, 'memory.stat') ?? '';
    const rssBytes = readKey(stat, 'total_rss');
    return {
      ...(cpuNanos === undefined ? {} : { cpuNanos }),
      ...(used === undefined
        ? {}
        : { workingSetBytes: Math.max(0, used - (readKey(stat, 'total_inactive_file') ?? 0)) }),
      ...(rssBytes === undefined ? {} : { rssBytes }),
    };
  }

  oomKills(path: string): number {
    const file = this.#file('memory', path, 'memory.oom_control');
    return file === undefined ? 0 : (readKey(file, 'oom_kill') ?? 0);
  }

  freeze(path: string, frozen: boolean): boolean {
    const file = this.#file('freezer', path, 'freezer.state');
    if (file === undefined || !tryWrite(file, frozen ? 'FROZEN' : 'THAWED')) return false;
    // A look at it makes the kernel try again with processes that were busy.
    return readText(file) !== undefined;
  }
}
