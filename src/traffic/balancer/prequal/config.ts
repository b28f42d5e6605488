// Settings of prequal: how many probes are kept and taken, and which targets count as hot.
// Knows nothing of how the policy picks.
import { numberSetting, onlySettings } from '../policy.ts';

export interface PrequalConfig {
  readonly type: 'prequal';
  /** Probes kept; fleets up to this size are compared whole instead. */
  readonly poolSize: number;
  /** A probed target is hot when it has more in flight than this share of the probes of late. */
  readonly hotQuantile: number;
  /** Probes taken with each request, in the mean. */
  readonly probesPerRequest: number;
}

export function parsePrequal(settings: Readonly<Record<string, unknown>>): PrequalConfig {
  const type = 'prequal';
  onlySettings(type, settings, ['poolSize', 'hotQuantile', 'probesPerRequest']);
  // Defaults as in the paper; the quantile is two to the power of minus a quarter there.
  return {
    type,
    poolSize: numberSetting(type, settings, 'poolSize', 16, { min: 2, max: 64, whole: true }),
    hotQuantile: numberSetting(type, settings, 'hotQuantile', 0.84, { min: 0, max: 1 }),
    probesPerRequest: numberSetting(type, settings, 'probesPerRequest', 3, { min: 0.1, max: 16 }),
  };
}
