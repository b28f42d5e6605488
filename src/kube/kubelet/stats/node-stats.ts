// The figures of one node: its sampler, and the reports that are made of it.
// Knows how the parts of this folder are put together.
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { machineUsage } from './machine-usage.ts';
import { type NodeUsage, resourceMetrics, summary } from './reports.ts';
import { type PodContainers, type PodUsage, StatsSampler } from './sampler.ts';
import { sumUsage } from './usage.ts';

/** As upstream's cAdvisor in its usual setting, in milliseconds. */
const INTERVAL_MS = 10_000;

export interface NodeStatsOptions {
  readonly nodeName: string;
  /** Other nodes run on this machine: the node's use is the sum of its pods'. */
  readonly sharesMachine: boolean;
  /** Milliseconds between two readings; 10,000 when left out. */
  readonly intervalMs?: number;
  readonly containers: () => readonly PodContainers[];
  readonly clock: Clock;
  readonly log: Logger;
}

export class NodeStats {
  readonly #options: NodeStatsOptions;
  readonly #sampler: StatsSampler;
  readonly #startedAt: number;

  constructor(options: NodeStatsOptions) {
    const { clock, log, containers, intervalMs = INTERVAL_MS } = options;
    this.#options = options;
    this.#startedAt = clock.wall();
    const machine = options.sharesMachine ? {} : { machine: machineUsage };
    this.#sampler = new StatsSampler({ intervalMs, containers, clock, log, ...machine });
  }

  async summary(): Promise<unknown> {
    const pods = await this.#sampler.pods();
    return summary(this.#node(pods), pods);
  }

  async resourceMetrics(format: MetricFormat): Promise<string> {
    const pods = await this.#sampler.pods();
    return resourceMetrics(this.#node(pods), pods, format);
  }

  stop(): void {
    this.#sampler.stop();
  }

  #node(pods: readonly PodUsage[]): NodeUsage {
    const { nodeName, clock } = this.#options;
    const all = pods.flatMap(({ containers }) => containers.map(({ usage }) => usage));
    return { nodeName, startedAt: this.#startedAt, usage: this.#sampler.machine() ?? sumUsage(all, clock.wall()) };
  }
}
