// Settings of least_request: how many targets are compared for a pick.
// Knows nothing of how the policy picks.
import { onlySettings } from '../policy.ts';

export interface LeastRequestConfig {
  readonly type: 'least_request';
  /** Targets drawn and compared: 2 or more, or 0 to compare all of them. Small fleets are always compared whole. */
  readonly choices: number;
}

const DEFAULT_CHOICES = 2;

export function parseLeastRequest(settings: Readonly<Record<string, unknown>>): LeastRequestConfig {
  onlySettings('least_request', settings, ['choices']);
  const choices = settings.choices ?? DEFAULT_CHOICES;
  // One draw would compare nothing: whoever writes it wants the policy "random".
  if (typeof choices !== 'number' || !Number.isInteger(choices) || choices < 0 || choices === 1) {
    throw new TypeError(
      `Setting "choices" of balancing policy "least_request" is "${String(choices)}": use 0 for all targets, or 2 or more`,
    );
  }
  return { type: 'least_request', choices };
}
