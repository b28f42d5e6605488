// The bounds of a change: fewest and most replicas, and how many may come or go within a period.
// Knows numbers and past changes. (Upstream: convertDesiredReplicasWithRules and ...WithBehaviorRate.)
import { MAX_INT32, replicasOf } from '../numbers.ts';
import { changedWithin, type History } from './history.ts';
import type { FullRules, Policy } from './rules.ts';

export interface Limited {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

const TOO_FAST = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const TOO_MANY = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const TOO_FAST_DOWN = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
const TOO_FEW = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const WITHIN = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };

/** Without behaviour: twice as many at most, and four in any case. */
export function limitSimply(desired: number, current: number, { min, max }: Bounds): Limited {
  const fastest = Math.max(2 * current, 4);
  const most = Math.min(max, fastest);
  if (desired < min) return { replicas: min, ...TOO_FEW };
  if (desired > most) return { replicas: most, ...(max > fastest ? TOO_FAST : TOO_MANY) };
  return { replicas: desired, ...WITHIN };
}

/** With behaviour: as fast as its policies let it. */
export function limitByRules(
  desired: number,
  current: number,
  { min, max }: Bounds,
  rules: { readonly up: FullRules; readonly down: FullRules },
  history: History,
  now: number,
): Limited {
  if (desired > current) {
    // What came within the period already may be more than the rules of now allow.
    const fastest = Math.max(current, upLimit(current, rules.up, history, now));
    const most = Math.min(max, fastest);
    if (desired > most) return { replicas: most, ...(max > fastest ? TOO_FAST : TOO_MANY) };
  } else if (desired < current) {
    const fastest = Math.min(current, downLimit(current, rules.down, history, now));
    const least = Math.max(min, fastest);
    if (desired < least) return { replicas: least, ...(min < fastest ? TOO_FAST_DOWN : TOO_FEW) };
  }
  return { replicas: desired, ...WITHIN };
}

/** Most replicas that the policies allow now. */
export function upLimit(current: number, { selectPolicy, policies }: FullRules, history: History, now: number): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map((policy) => {
    const start = startOf(policy, current, history, now);
    return policy.type === 'Pods' ? start + policy.value : replicasOf(start * (1 + policy.value / 100));
  });
  // Of one pod, ten percent more are two: rounded down, it would stay one for ever.
  return selectPolicy === 'Min' ? Math.min(MAX_INT32, ...limits) : Math.max(-MAX_INT32, ...limits);
}

/** Fewest replicas that the policies allow now; may be less than none. */
export function downLimit(
  current: number,
  { selectPolicy, policies }: FullRules,
  history: History,
  now: number,
): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map((policy) => {
    const start = startOf(policy, current, history, now);
    return policy.type === 'Pods' ? start - policy.value : Math.trunc(start * (1 - policy.value / 100));
  });
  return selectPolicy === 'Min' ? Math.max(-MAX_INT32, ...limits) : Math.min(MAX_INT32, ...limits);
}

/** Replicas that there were when the policy's period began. */
function startOf({ periodSeconds }: Policy, current: number, { ups, downs }: History, now: number): number {
  return current - changedWithin(ups, periodSeconds, now) + changedWithin(downs, periodSeconds, now);
}
