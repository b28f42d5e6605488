// Settings of random: none.
// Knows nothing of how the policy picks.
import { onlySettings } from '../policy.ts';

export interface RandomConfig {
  readonly type: 'random';
}

export function parseRandom(settings: Readonly<Record<string, unknown>>): RandomConfig {
  onlySettings('random', settings, []);
  return { type: 'random' };
}
