// Looks every few seconds at what pods with limits take of the disk, and has those evicted that take more.
// Knows where a pod's files lie; the rules are storage-limits.ts.
import { join } from 'node:path';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { diskUsage } from '../volumes/disk-usage.ts';
import { emptyDirPath } from '../volumes/pod-volumes.ts';
import { hasStorageLimits, type StorageUse, storageExceeded } from './storage-limits.ts';

export interface StorageWatchOptions {
  readonly intervalMs: number;
  readonly dataDir: string;
  readonly pods: () => readonly Pod[];
  readonly evict: (podUid: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Returns the way to stop. */
export function watchStorage(options: StorageWatchOptions): Cancel {
  const { clock, log, pods, intervalMs } = options;
  let looking = false;
  return clock.every(intervalMs, () => {
    // A large tree takes its time; two looks at once would take twice as much.
    if (looking) return;
    looking = true;
    lookAtAll(pods().filter(isWatched), options)
      .catch((error: unknown) => log.warn({ error: String(error) }, 'Cannot measure what pods have on the disk'))
      .finally(() => {
        looking = false;
      });
  });
}

function isWatched(pod: Pod): boolean {
  const { phase } = pod.status ?? {};
  return pod.metadata?.deletionTimestamp === undefined && phase === 'Running' && hasStorageLimits(pod);
}

async function lookAtAll(pods: readonly Pod[], { dataDir, evict }: StorageWatchOptions): Promise<void> {
  for (const pod of pods) {
    const uid = pod.metadata?.uid ?? '';
    const message = storageExceeded(pod, await measure(pod, join(dataDir, 'pods', uid)));
    if (message !== undefined) evict(uid, message);
  }
}

async function measure({ spec }: Pod, podDir: string): Promise<StorageUse> {
  const volumes = new Map<string, number>();
  for (const { name, emptyDir } of spec?.volumes ?? []) {
    if (emptyDir !== undefined) volumes.set(name, await diskUsage(emptyDirPath(podDir, name)));
  }
  const containers = new Map<string, number>();
  for (const { name } of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    // Its writable files lie beside its logs, where it has a root of its own.
    const parts = [join(podDir, 'logs', name), join(podDir, 'containers', name)];
    const used = await Promise.all(parts.map(diskUsage));
    containers.set(
      name,
      used.reduce((sum, each) => sum + each, 0),
    );
  }
  return { volumes, containers };
}
