// How the configuration fares, as metrics: whether the last read was applied, and which version is in force.
// Knows no engine.
import type { MetricFormat } from '#telemetry/format.ts';
import { MetricRecorder } from '#telemetry/recorder.ts';
import type { MetricDefinition } from '#telemetry/series.ts';
import type { LiveConfig } from './live-config.ts';

const gauge = (name: string, help: string): MetricDefinition => ({
  name: `evenkeel_config_${name}`,
  type: 'gauge',
  help,
  labels: [],
  maxSeries: 1,
});

const definitions = {
  lastOk: gauge(
    'last_reload_successful',
    '1 when the configuration file as it is now is in force; 0: it is wrong, and the one before goes on.',
  ),
  version: gauge('version', 'Count of the configurations that were put in force.'),
} as const satisfies Record<string, MetricDefinition>;

/** Ends with a line break. */
export function reloadMetrics(
  { lastOk, version }: Pick<LiveConfig, 'lastOk' | 'version'>,
  format: MetricFormat,
): string {
  const recorder = new MetricRecorder(definitions, 512);
  recorder.set(definitions.lastOk, [], lastOk ? 1 : 0);
  recorder.set(definitions.version, [], version);
  return recorder.text(format);
}
