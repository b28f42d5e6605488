// Control groups of version 2: one tree, in which a group hands controllers down to those below it.
// Knows paths and file formats; who is in a group is none of its business.
import { join } from 'node:path';
import type { CgroupDriver, GroupKind, Readings } from './cgroups.ts';
import { readKey, readNumber, tryWrite } from './files.ts';
import { CPU_PERIOD_US, cpuQuotaUs, cpuWeight, type ResourceLimits } from './limits.ts';

const V2_CONTROLLERS = ['memory', 'cpu', 'pids'] as const;
type V2Controller = (typeof V2_CONTROLLERS)[number];

export class V2Driver implements CgroupDriver {
  readonly version = 2;
  readonly memory: boolean;
  readonly cpu: boolean;
  readonly #base: string;
  readonly #controllers: readonly V2Controller[];

  /** `available`: controllers that may be handed down in `base`. */
  constructor(base: string, available: readonly string[]) {
    this.#base = base;
    this.#controllers = V2_CONTROLLERS.filter((name) => available.includes(name));
    this.memory = available.includes('memory');
    this.cpu = available.includes('cpu');
  }

  dirs(path: string): string[] {
    return [join(this.#base, path)];
  }

  settings(path: string, limits: ResourceLimits, of: GroupKind): { file: string; value: string }[] {
    const { cpuShares, cpuMillis, memoryBytes, pids } = limits;
    const quota = cpuMillis === undefined ? undefined : `${cpuQuotaUs(cpuMillis)} ${CPU_PERIOD_US}`;
    const wanted: [V2Controller, string, string | number | undefined][] = [
      ['cpu', 'cpu.weight', cpuWeight(cpuShares)],
      ['cpu', 'cpu.max', quota],
      ['memory', 'memory.max', memoryBytes],
      // Without it the limit would only push the container into swap.
      ['memory', 'memory.swap.max', memoryBytes === undefined ? undefined : 0],
      // A container is ended as a whole, also when it is its pod that has no memory left: half of one is of no use to
      // anybody. The pod's other containers are spared. (Upstream: memory.oom.group of containers alone.)
      ['memory', 'memory.oom.group', of === 'container' ? 1 : undefined],
      ['pids', 'pids.max', pids],
    ];
    return wanted.flatMap(([controller, name, value]) =>
      value === undefined || !this.#controllers.includes(controller)
        ? []
        : [{ file: join(this.#base, path, name), value: String(value) }],
    );
  }

  delegation(path: string): { file: string; value: string }[] {
    const file = join(this.#base, path, 'cgroup.subtree_control');
    return this.#controllers.map((name) => ({ file, value: `+${name}` }));
  }

  processes(path: string): string {
    return join(this.#base, path, 'cgroup.procs');
  }

  read(path: string): Readings {
    const dir = join(this.#base, path);
    const micros = readKey(join(dir, 'cpu.stat'), 'usage_usec');
    const used = readNumber(join(dir, 'memory.current'));
    const stat = join(dir, 'memory.stat');
    const rssBytes = readKey(stat, 'anon');
    return {
      ...(micros === undefined ? {} : { cpuNanos: micros * 1000 }),
      ...(used === undefined ? {} : { workingSetBytes: Math.max(0, used - (readKey(stat, 'inactive_file') ?? 0)) }),
      ...(rssBytes === undefined ? {} : { rssBytes }),
    };
  }

  oomKills(path: string): number {
    return readKey(join(this.#base, path, 'memory.events'), 'oom_kill') ?? 0;
  }

  freeze(path: string, frozen: boolean): boolean {
    return tryWrite(join(this.#base, path, 'cgroup.freeze'), frozen ? '1' : '0');
  }
}
