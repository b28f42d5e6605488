// The groups of one node: made, filled, emptied and removed, whichever version the kernel speaks.
// Knows no pod object; uids, names and limits are handed in.
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { CgroupDriver, Cgroups, ContainerCgroup, GroupKind } from './cgroups.ts';
import { readText, tryWrite } from './files.ts';
import type { ResourceLimits } from './limits.ts';

/** How often a group is looked at until its killed processes are gone, and for how long, in milliseconds. */
const STEP_MS = 10;
const PATIENCE_MS = 3_000;
/** A process that multiplies must be outrun; while it is frozen, the first round is enough. */
const KILL_ROUNDS = 20;

export class CgroupTree implements Cgroups {
  readonly version: 1 | 2;
  readonly memory: boolean;
  readonly cpu: boolean;
  readonly #driver: CgroupDriver;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #onClose: (isGone: boolean) => void;

  /** `node`: path of the node's own group, e.g. `evenkeel-1a2b3c4d/node-1`. */
  constructor(driver: CgroupDriver, node: string, clock: Clock, onClose: (isGone: boolean) => void = () => {}) {
    this.version = driver.version;
    this.memory = driver.memory;
    this.cpu = driver.cpu;
    this.#driver = driver;
    this.#node = node;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  container(podUid: string, name: string, limits: ResourceLimits, pod: ResourceLimits): ContainerCgroup {
    const podPath = join(this.#node, `pod${podUid}`);
    const path = join(podPath, name);
    this.#make(podPath);
    this.#apply(podPath, pod, 'pod');
    this.#make(path);
    this.#apply(path, limits, 'container');
    const dirs = this.#driver.dirs(path);
    const oomBefore = this.#driver.oomKills(path);
    return {
      join: dirs.map((dir) => join(dir, 'cgroup.procs')),
      dirs,
      pids: () => this.#pids(path),
      read: () => this.#driver.read(path),
      oomKills: () => this.#driver.oomKills(path) - oomBefore,
      kill: () => void this.#kill(path),
      remove: () => this.#remove(path),
    };
  }

  async removePod(podUid: string): Promise<void> {
    await this.#remove(join(this.#node, `pod${podUid}`));
  }

  /** Ends what is in the groups, and resolves with how many processes that were. */
  async sweep(): Promise<number> {
    const killed = this.#kill(this.#node);
    await this.#remove(this.#node);
    return killed;
  }

  /** What cannot be removed yet, because somebody is slow to die in it, is left to another start. */
  close(): void {
    this.#onClose(this.removeEmpty());
  }

  /** Removes every group without a process in it or below; `true` when nothing of the node is left. */
  removeEmpty(): boolean {
    const dirs = this.#paths(this.#node).flatMap((at) => this.#driver.dirs(at));
    const gone = dirs.map(removeDir).every(Boolean);
    this.#removeParent();
    return gone;
  }

  /** The cluster's own group is another node's as well; it goes with the last of them. */
  #removeParent(): void {
    const parent = join(this.#node, '..');
    if (parent !== '.') for (const dir of this.#driver.dirs(parent)) removeDir(dir);
  }

  /** Makes the group with all above it, each ready to have groups below. */
  #make(path: string): void {
    const parts = path.split('/');
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const at = parts.slice(0, depth).join('/');
      if (depth === parts.length && this.#exists(at)) return;
      for (const { file, value } of this.#driver.delegation(join(at, '..'))) tryWrite(file, value);
      for (const dir of this.#driver.dirs(at)) mkdirSync(dir, { recursive: true });
    }
  }

  #exists(path: string): boolean {
    return this.#driver.dirs(path).every((dir) => existsSync(dir));
  }

  #apply(path: string, limits: ResourceLimits, of: GroupKind): void {
    const refused: { file: string; value: string }[] = [];
    for (const setting of this.#driver.settings(path, limits, of)) {
      if (!tryWrite(setting.file, setting.value)) refused.push(setting);
    }
    // Some bounds must not cross: when one moves past another, the second attempt is the one that fits.
    for (const { file, value } of refused) tryWrite(file, value);
  }

  #pids(path: string): number[] {
    const text = readText(this.#driver.processes(path)) ?? '';
    return text.split('\n').filter(Boolean).map(Number);
  }

  /** Depth first: the groups below a path, and the path itself. */
  #paths(path: string): string[] {
    const names = new Set<string>();
    for (const dir of this.#driver.dirs(path)) {
      try {
        for (const entry of readdirSync(dir, { withFileTypes: true })) if (entry.isDirectory()) names.add(entry.name);
      } catch {
        // Not there, or removed by now: nothing below it then.
      }
    }
    return [...[...names].flatMap((name) => this.#paths(join(path, name))), path];
  }

  #kill(path: string): number {
    const killed = new Set<number>();
    for (const at of this.#paths(path)) {
      const frozen = this.#driver.freeze(at, true);
      for (let round = 0; round < KILL_ROUNDS; round += 1) {
        const fresh = this.#pids(at).filter((pid) => !killed.has(pid));
        for (const pid of fresh) {
          killed.add(pid);
          endProcess(pid);
        }
        if (fresh.length === 0) break;
      }
      if (frozen) this.#driver.freeze(at, false);
    }
    return killed.size;
  }

  async #remove(path: string): Promise<void> {
    for (let waited = 0; waited <= PATIENCE_MS; waited += STEP_MS) {
      this.#kill(path);
      const dirs = this.#paths(path).flatMap((at) => this.#driver.dirs(at));
      if (dirs.map(removeDir).every(Boolean)) return;
      await new Promise<void>((resolve) => void this.#clock.after(STEP_MS, resolve));
    }
  }
}

function endProcess(pid: number): void {
  try {
    // What is not in our own pid namespace shows as 0, which would be our own group.
    if (pid > 1 && pid !== process.pid) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}

/** `true` when the directory is there no more. */
function removeDir(dir: string): boolean {
  try {
    rmdirSync(dir);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
