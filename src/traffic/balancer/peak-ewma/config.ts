// Settings of peak_ewma: how fast estimates decay, what a newcomer is taken for, and what a failure costs.
// Knows nothing of how the policy picks.
import { numberSetting, onlySettings } from '../policy.ts';

export interface PeakEwmaConfig {
  readonly type: 'peak_ewma';
  /** Targets drawn and compared, 2 or more. Small fleets are always compared whole. */
  readonly choices: number;
  /** Milliseconds after which an estimate counts a third (1/e). */
  readonly decayMs: number;
  /** Milliseconds that targets are taken to need before one of them has answered. */
  readonly defaultMs: number;
  /** Milliseconds that a target seems to need when one attempt after the other fails, however fast. */
  readonly penaltyMs: number;
}

/**
 * Linkerd draws two. Where an eighth of a fleet is slow, two draws meet nobody else once in 64 requests, which is more
 * than one in a hundred: the slowest hundredth of all requests then waits for slow targets. Four draws do so once in 4,096.
 */
const DEFAULT_CHOICES = 4;

const DAY_MS = 86_400_000;

export function parsePeakEwma(settings: Readonly<Record<string, unknown>>): PeakEwmaConfig {
  const type = 'peak_ewma';
  onlySettings(type, settings, ['choices', 'decayMs', 'defaultMs', 'penaltyMs']);
  return {
    type,
    choices: numberSetting(type, settings, 'choices', DEFAULT_CHOICES, { min: 2, max: 64, whole: true }),
    // As in Linkerd.
    decayMs: numberSetting(type, settings, 'decayMs', 10_000, { min: 1, max: DAY_MS }),
    defaultMs: numberSetting(type, settings, 'defaultMs', 30, { min: 0.1, max: DAY_MS }),
    penaltyMs: numberSetting(type, settings, 'penaltyMs', 5_000, { min: 0, max: DAY_MS }),
  };
}
