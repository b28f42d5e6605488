// What a container of an engine uses, as the engine reads it from the kernel.
// Knows the engine's words for it.
import type { Clock } from '#lib/clock.ts';
import type { ContainerStats } from '../runtime.ts';
import { type EngineApi, EngineError } from './engine-api.ts';

interface EngineStats {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly usage?: number; readonly stats?: Readonly<Record<string, number>> };
}

/** `path` is that of the container; `undefined` when it has ended. */
export async function readStats(api: EngineApi, path: string, clock: Clock): Promise<ContainerStats | undefined> {
  try {
    const { cpu_stats, memory_stats = {} } = await api.json<EngineStats>('GET', `${path}/stats?stream=false`);
    const cpuNanos = cpu_stats?.cpu_usage?.total_usage;
    const { usage, stats = {} } = memory_stats;
    // Files that nobody uses now are no working set; cgroup v1 and v2 name them differently.
    const inactive = stats.total_inactive_file ?? stats.inactive_file ?? 0;
    const rss = stats.total_rss ?? stats.rss ?? stats.anon;
    return {
      at: clock.wall(),
      ...(cpuNanos === undefined ? {} : { cpuNanos }),
      ...(usage === undefined ? {} : { workingSetBytes: Math.max(0, usage - inactive) }),
      ...(rss === undefined ? {} : { rssBytes: rss }),
    };
  } catch (error) {
    if (error instanceof EngineError && (error.status === 404 || error.status === 409)) return undefined;
    throw error;
  }
}
