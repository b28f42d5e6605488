// How the configuration fares, as metrics: whether the last read was applied, and which version is in force.
// Knows no engine.
import type { LiveConfig } from './live-config.ts';

/** Ends with a line break. */
export function reloadMetrics({ lastOk, version }: Pick<LiveConfig, 'lastOk' | 'version'>): string {
  return [
    '# HELP evenkeel_config_last_reload_successful 1 when the configuration file as it is now is in force',
    '# TYPE evenkeel_config_last_reload_successful gauge',
    `evenkeel_config_last_reload_successful ${lastOk ? 1 : 0}`,
    '# HELP evenkeel_config_version Count of the configurations that were put in force',
    '# TYPE evenkeel_config_version gauge',
    `evenkeel_config_version ${version}`,
    '',
  ].join('\n');
}
