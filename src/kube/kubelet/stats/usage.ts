// Usage over time from cumulative readings: what a container takes now, in CPUs and bytes.
// Pure; readings are handed in.
import type { ContainerStats } from '../runtime.ts';

export interface Usage {
  /** Wall time of the reading in milliseconds since the epoch. */
  readonly at: number;
  /** CPU time since the start, in nanoseconds. */
  readonly cpuNanos: number;
  /** Billionths of a CPU, over the last `RATE_MS` or what there is of it; absent after a single reading. */
  readonly nanoCores?: number;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
}

/**
 * Over which time rates are taken, in milliseconds, however often readings are: what a process takes for a moment, as when
 * it starts, must not pass for what it needs. Autoscalers reckon with it.
 */
const RATE_MS = 10_000;

/** The last readings of one container, or of the machine. */
export class UsageHistory {
  #readings: Usage[] = [];

  get latest(): Usage | undefined {
    return this.#readings.at(-1);
  }

  add(now: ContainerStats): void {
    // The reading from which on the window is full, or all there are; some slack, as timers are late now and then.
    const from = this.#readings.findLastIndex(({ at }) => at <= now.at - RATE_MS * 0.95);
    const kept = this.#readings.slice(Math.max(0, from));
    const usage = usageOf(now, kept[0]);
    // A counter that went back begins anew.
    this.#readings = usage.cpuNanos < (kept.at(-1)?.cpuNanos ?? 0) ? [usage] : [...kept, usage];
  }
}

/** A reading with its rate; what could not be read counts as nothing. */
export function usageOf(now: ContainerStats, before: Usage | undefined): Usage {
  const { at, cpuNanos = 0, workingSetBytes = 0, rssBytes = 0 } = now;
  const elapsed = before === undefined ? 0 : at - before.at;
  // A counter that went back belongs to another container.
  const rate =
    before === undefined || elapsed <= 0 || cpuNanos < before.cpuNanos
      ? {}
      : { nanoCores: Math.round(((cpuNanos - before.cpuNanos) * 1000) / elapsed) };
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
