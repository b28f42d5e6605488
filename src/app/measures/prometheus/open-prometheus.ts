// A Prometheus with rules, as settings, and as somebody who measures.
// Knows the parts beside; not where the settings come from.
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { PrometheusClient, type PrometheusSettings } from './prometheus-client.ts';
import { PrometheusFigures } from './prometheus-figures.ts';
import type { Rules } from './read-rules.ts';

export interface PrometheusSource extends PrometheusSettings {
  readonly rules: Rules;
  /** Milliseconds. */
  readonly relistMs: number;
}

export function openPrometheus(source: PrometheusSource, clock: Clock, log: Logger): PrometheusFigures {
  return new PrometheusFigures(new PrometheusClient(source), source.rules, source.relistMs, clock, log);
}
