// Settings of weighted_round_robin: none, the weights come with the targets.
// Knows nothing of how the policy picks.
import { onlySettings } from '../policy.ts';

export interface WeightedRoundRobinConfig {
  readonly type: 'weighted_round_robin';
}

export function parseWeightedRoundRobin(settings: Readonly<Record<string, unknown>>): WeightedRoundRobinConfig {
  onlySettings('weighted_round_robin', settings, []);
  return { type: 'weighted_round_robin' };
}
