// How a Service says how it wants to be balanced.
// Knows the names of the policies, not how they work.
import type { Service } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { defaultPolicy } from './cluster-defaults.ts';
import type { BalancingPolicy } from './ir.ts';
import type { Problem } from './problem.ts';

const ANNOTATION = 'evenkeel.dev/balancing-policy';

const byName: ReadonlyMap<string, BalancingPolicy> = new Map<string, BalancingPolicy>([
  ['round_robin', { type: 'round_robin' }],
  ['weighted_round_robin', { type: 'weighted_round_robin' }],
  ['least_request', { type: 'least_request', choices: 2 }],
  ['random', { type: 'random' }],
  ['ip_hash', { type: 'ip_hash' }],
  ['ring_hash', { type: 'ring_hash' }],
  ['maglev', { type: 'maglev' }],
  ['peak_ewma', { type: 'peak_ewma' }],
  ['prequal', { type: 'prequal' }],
]);

export function policyOf(service: Service): {
  readonly policy: BalancingPolicy;
  readonly problems: readonly Problem[];
} {
  const wanted = service.metadata?.annotations?.[ANNOTATION];
  if (wanted === undefined) return { policy: defaultPolicy, problems: [] };
  const policy = byName.get(wanted);
  if (policy !== undefined) return { policy, problems: [] };
  const known = [...byName.keys()].map((name) => `"${name}"`).join(', ');
  const problem: Problem = {
    kind: 'Service',
    key: objectKey(service),
    reason: 'InvalidSetting',
    field: `metadata.annotations[${ANNOTATION}]`,
    message: `Balancing policy "${wanted}" does not exist: use one of ${known}; until then "${defaultPolicy.type}" is used`,
  };
  return { policy: defaultPolicy, problems: [problem] };
}
