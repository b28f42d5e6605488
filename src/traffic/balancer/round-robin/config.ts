// Settings of round_robin: none.
// Knows nothing of how the policy picks.
import { onlySettings } from '../policy.ts';

export interface RoundRobinConfig {
  readonly type: 'round_robin';
}

export function parseRoundRobin(settings: Readonly<Record<string, unknown>>): RoundRobinConfig {
  onlySettings('round_robin', settings, []);
  return { type: 'round_robin' };
}
