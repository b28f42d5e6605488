// What the kubelet asks of the kernel's control groups: one contract for both of their versions.
// An interface only; v1.ts and v2.ts know the files.
import type { ResourceLimits } from './limits.ts';

/** Cumulative and current use of a group of processes. */
export interface Readings {
  /** CPU time since the group was made, in nanoseconds; left out where the kernel does not count it. */
  readonly cpuNanos?: number;
  /** Memory that cannot be taken back without effort, in bytes: what eviction and autoscaling look at. */
  readonly workingSetBytes?: number;
  /** Memory of the processes themselves, without files, in bytes. */
  readonly rssBytes?: number;
}

/** A pod's group holds those of its containers, and no process of its own. */
export type GroupKind = 'pod' | 'container';

/** What one version of the kernel's interface is like. Paths are relative, as `pod1/main`. */
export interface CgroupDriver {
  readonly version: 1 | 2;
  /** Whether memory limits hold, and whether CPU limits do. */
  readonly memory: boolean;
  readonly cpu: boolean;
  /** Directories that make up the group, without duplicates. */
  dirs(path: string): string[];
  /** Files and values that give the group its limits, in the order in which they are to be written. */
  settings(path: string, limits: ResourceLimits, of: GroupKind): { readonly file: string; readonly value: string }[];
  /** To be written into a group before it may have groups below. */
  delegation(path: string): { readonly file: string; readonly value: string }[];
  /** The file that lists the processes of the group. */
  processes(path: string): string;
  read(path: string): Readings;
  /**
   * Grows with every process of the group that the kernel ends because memory was used up, be it the group's own or its
   * pod's. Version 2 counts the one that it chose twice when all have to go.
   */
  oomKills(path: string): number;
  /** Stops all of the group's processes where they are, or lets them go on; `false` where that is not possible. */
  freeze(path: string, frozen: boolean): boolean;
}

/** One container's group. */
export interface ContainerCgroup {
  /** Writing "0" into each of these files makes the writing process a member. */
  readonly join: readonly string[];
  /** Directories of the group, as the container may see them below /sys/fs/cgroup. */
  readonly dirs: readonly string[];
  pids(): number[];
  read(): Readings;
  /** More than 0 when the kernel ended one of its processes because memory was used up. */
  oomKills(): number;
  /** Sends SIGKILL to everything in it, also to what is just being started. */
  kill(): void;
  /** Kills, waits for the last process to be gone, and removes it; never rejects. */
  remove(): Promise<void>;
}

export interface Cgroups {
  readonly version: 1 | 2;
  readonly memory: boolean;
  readonly cpu: boolean;
  /** Makes the group below that of its pod, which is made or brought up to date as well. */
  container(podUid: string, name: string, limits: ResourceLimits, pod: ResourceLimits): ContainerCgroup;
  removePod(podUid: string): Promise<void>;
  /** Ends and removes everything that an earlier run left; returns how many processes that were. */
  sweep(): Promise<number>;
  /** After the last sweep: nobody has to look at these groups any more. */
  close(): void;
}
