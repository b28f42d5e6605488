// Reads what every running container uses, again and again, and keeps the last readings of each.
// Knows containers by their handles; what is made of the figures is summary.ts and exposition.ts.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { RunningContainer } from '../runtime.ts';
import { type Usage, UsageHistory } from './usage.ts';

export interface PodContainers {
  readonly pod: Pod;
  readonly running: readonly { readonly name: string; readonly handle: RunningContainer }[];
}

export interface PodUsage {
  readonly pod: Pod;
  readonly containers: readonly { readonly name: string; readonly startedAt: number; readonly usage: Usage }[];
}

export interface SamplerOptions {
  /** Milliseconds between two readings. */
  readonly intervalMs: number;
  readonly containers: () => readonly PodContainers[];
  /** What the whole machine uses; left out where it is shared by several nodes. */
  readonly machine?: () => { readonly cpuNanos: number; readonly workingSetBytes: number } | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class StatsSampler {
  readonly #options: SamplerOptions;
  /** By container id. */
  readonly #usages = new Map<string, UsageHistory>();
  readonly #cancel: Cancel;
  readonly #machine = new UsageHistory();
  #reading: Promise<void> | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#cancel = options.clock.every(options.intervalMs, () => void this.#read());
  }

  /** As of the last reading; containers that started since are read first. */
  async pods(): Promise<PodUsage[]> {
    const all = this.#options.containers();
    const fresh = all.some(({ running }) => running.some(({ handle }) => !this.#usages.has(handle.id)));
    if (fresh) await this.#read();
    return all.map(({ pod, running }) => ({
      pod,
      containers: running.flatMap(({ name, handle }) => {
        const usage = this.#usages.get(handle.id)?.latest;
        return usage === undefined ? [] : [{ name, startedAt: handle.startedAt, usage }];
      }),
    }));
  }

  /** `undefined` where the machine is not this node's alone, or cannot be read. */
  machine(): Usage | undefined {
    return this.#machine.latest;
  }

  stop(): void {
    this.#cancel();
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const { clock, machine, log } = this.#options;
    const running = this.#options.containers().flatMap((pod) => pod.running.map(({ handle }) => handle));
    const alive = new Set(running.map(({ id }) => id));
    for (const id of this.#usages.keys()) if (!alive.has(id)) this.#usages.delete(id);
    const whole = machine?.();
    if (whole !== undefined) this.#machine.add({ at: clock.wall(), ...whole });
    await Promise.all(
      running.map(async (handle) => {
        try {
          const now = await handle.stats();
          if (now === undefined) return;
          const history = this.#usages.get(handle.id) ?? new UsageHistory();
          this.#usages.set(handle.id, history);
          history.add(now);
        } catch (error) {
          log.warn({ container: handle.id, error: (error as Error).message }, 'Cannot read what a container uses');
        }
      }),
    );
  }
}
