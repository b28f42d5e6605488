// Who measures for autoscalers: what the engine counts, and a Prometheus where one is named.
// Knows them by what they have in common.
import { joined, type MeasuredFigures } from '#kube/apiserver/metrics/measured.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { PrometheusSource } from '../measures/prometheus/open-prometheus.ts';
import type { Shutdown } from './shutdown.ts';

/** A rule that somebody wrote goes before what is counted anyway. */
export async function withPrometheus(
  counted: readonly MeasuredFigures[],
  source: PrometheusSource | undefined,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
  shutdown: Shutdown,
): Promise<MeasuredFigures> {
  if (source === undefined) return joined(counted);
  const { openPrometheus } = await import('../measures/prometheus/open-prometheus.ts');
  const asked = openPrometheus(source, clock, log.child({ part: 'prometheus' }));
  shutdown.add('prometheus', () => asked.stop());
  return joined([asked, ...counted]);
}
