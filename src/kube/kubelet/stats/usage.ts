// Usage over time from cumulative readings: what a container takes now, in CPUs and bytes.
// Pure; readings are handed in.
import type { ContainerStats } from '../runtime.ts';

export interface Usage {
  /** Wall time of the reading in milliseconds since the epoch. */
  readonly at: number;
  /** CPU time since the start, in nanoseconds. */
  readonly cpuNanos: number;
  /** Billionths of a CPU, over the time since the reading before; absent while there was none. */
  readonly nanoCores?: number;
  /** How long that time was, in milliseconds. */
  readonly windowMs?: number;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
}

/** A reading with its rate; what could not be read counts as nothing. */
export function usageOf(now: ContainerStats, before: Usage | undefined): Usage {
  const { at, cpuNanos = 0, workingSetBytes = 0, rssBytes = 0 } = now;
  const elapsed = before === undefined ? 0 : at - before.at;
  // A counter that went back belongs to another container.
  const rate =
    before === undefined || elapsed <= 0 || cpuNanos < before.cpuNanos
      ? {}
      : { nanoCores: Math.round(((cpuNanos - before.cpuNanos) * 1000) / elapsed), windowMs: elapsed };
  return { at, cpuNanos, workingSetBytes, rssBytes, ...rate };
}

export function sumUsage(all: readonly Usage[], at: number): Usage {
  const total = { cpuNanos: 0, nanoCores: 0, workingSetBytes: 0, rssBytes: 0 };
  for (const one of all) {
    total.cpuNanos += one.cpuNanos;
    total.nanoCores += one.nanoCores ?? 0;
    total.workingSetBytes += one.workingSetBytes;
    total.rssBytes += one.rssBytes;
  }
  return { at, ...total };
}
