// Counts what the decision maker does: ejections, checks, and how many endpoints of each cluster are in which state.
// Knows only what it is told; gauges are set when somebody asks for them.

import type { MetricSource } from '#telemetry/exposition.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import type { Series } from '#telemetry/series.ts';

const MEMORY_BYTES = 1024 * 1024;

export class HealthStats {
  readonly source: MetricSource;
  readonly #writer: MetricWriter;
  /** States that a cluster has had endpoints in: the others would be series of noughts. */
  readonly #open = new Map<string, Set<string>>();

  constructor() {
    const memory = new SharedArrayBuffer(MEMORY_BYTES);
    let series: Series[] = [];
    this.#writer = new MetricWriter(memory, (one) => {
      if (one.ended !== true) series.push(one);
      else series = series.filter(({ metric, cell }) => metric !== one.metric || cell !== one.cell);
    });
    this.source = {
      memory,
      get series() {
        return series;
      },
      ended: false,
    };
  }

  ejected(cluster: string, cause: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.ejections, [cluster, cause]), 1);
  }

  checked(type: string, good: boolean): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.healthChecks, [type, good ? 'good' : 'failed']), 1);
  }

  panicked(cluster: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.panics, [cluster]), 1);
  }

  /** How many endpoints of a cluster are in each state now, and whether all count because too few are healthy. */
  show(cluster: string, states: Readonly<Record<string, number>>, panic: boolean): void {
    const open = this.#open.get(cluster) ?? new Set(['healthy']);
    this.#open.set(cluster, open);
    for (const [state, count] of Object.entries(states)) if (count > 0) open.add(state);
    for (const state of open) {
      const cell = this.#writer.cell(proxyMetrics.clusterEndpoints, [cluster, state]);
      this.#writer.set(cell, states[state] ?? 0);
    }
    this.#writer.set(this.#writer.cell(proxyMetrics.panic, [cluster]), panic ? 1 : 0);
  }

  clusterLeft(cluster: string): void {
    this.#open.delete(cluster);
    const own = (labels: readonly string[]): boolean => labels[0] === cluster;
    const { clusterEndpoints, panic, panics, ejections } = proxyMetrics;
    for (const metric of [clusterEndpoints, panic, panics, ejections]) this.#writer.release(metric, own);
  }
}
