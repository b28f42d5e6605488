// XBackendTrafficPolicies beside BackendPolicies: what is heard of each, and what they are told.
import { describe, expect, it } from 'vitest';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { BackendPolicies } from './backend-policies.ts';
import { policyStatuses } from './policy-status.ts';
import type { BackendTrafficPolicy } from './traffic-policy.ts';

type Spec = NonNullable<BackendTrafficPolicy['spec']>;

const service = (name: string) => ({ group: '', kind: 'Service', name });
const meta = (name: string, age = 0) => ({
  name,
  namespace: 'shop',
  creationTimestamp: `2026-01-01T00:00:0${9 - age}Z`,
});
const standard = (name: string, spec: Spec, age = 0): BackendTrafficPolicy => ({
  apiVersion: 'gateway.networking.x-k8s.io/v1alpha1',
  kind: 'XBackendTrafficPolicy',
  metadata: meta(name, age),
  spec: { targetRefs: [service('web')], ...spec },
});
const own = (name: string, spec: NonNullable<BackendPolicy['spec']>): BackendPolicy => ({
  apiVersion: 'evenkeel.dev/v1alpha1',
  kind: 'BackendPolicy',
  metadata: meta(name),
  spec: { targetRefs: [service('web')], ...spec },
});
const told = (policies: BackendPolicies): unknown[] =>
  policyStatuses(policies, (_kind, key) => (key === 'shop/web' ? ['http'] : undefined)).map(
    ({ kind, key, ancestors }) => [
      `${kind} ${key}`,
      ancestors[0]?.conditions[0]?.reason,
      ancestors[0]?.conditions[0]?.message,
    ],
  );

describe('an XBackendTrafficPolicy', () => {
  it('bounds retries over time, by what it says or by the defaults', () => {
    const said = { budget: { percent: 5, interval: '1m' }, minRetryRate: { count: 2, interval: '500ms' } };
    const over = { intervalMs: 60_000, minCount: 2, minIntervalMs: 500 };
    expect(new BackendPolicies([standard('a', { retryConstraint: said })]).ofService('shop/web')).toMatchObject({
      retryBudget: { percent: 5, over },
    });
    expect(new BackendPolicies([standard('a', { retryConstraint: {} })]).ofService('shop/web')).toMatchObject({
      retryBudget: { percent: 20, over: { intervalMs: 10_000, minCount: 10, minIntervalMs: 1_000 } },
    });
  });

  it('keeps sessions, and stands beside a BackendPolicy, which has its way', () => {
    const policies = new BackendPolicies([
      standard('a', { retryConstraint: {}, sessionPersistence: { sessionName: 'stays', type: 'Header' } }),
      own('b', { retryBudget: { percent: 1 }, panicThreshold: 3 }),
    ]);
    expect(policies.ofService('shop/web')).toMatchObject({
      affinity: { type: 'header', name: 'stays' },
      retryBudget: { percent: 1, minConcurrent: 3 },
      panicThreshold: 3,
    });
    expect(policies.ofService('shop/web')?.retryBudget?.over).toBeUndefined();
    expect(told(policies).map((one) => (one as string[])[1])).toEqual(['Accepted', 'Accepted']);
  });

  it('is told of an older one, of a target that is not there, and of what it cannot have', () => {
    const policies = new BackendPolicies([
      standard('younger', { retryConstraint: {} }),
      standard('older', { retryConstraint: {} }, 5),
      standard('lost', { retryConstraint: {}, targetRefs: [service('gone')] }),
      standard('strange', {
        retryConstraint: {},
        targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'r' }],
      }),
      standard('mute', { targetRefs: [service('gone')] }),
    ]);
    expect(
      Object.fromEntries(told(policies).map((one) => [(one as string[])[0]?.split('/')[1], (one as string[])[1]])),
    ).toEqual({
      older: 'Accepted',
      younger: 'Conflicted',
      lost: 'TargetNotFound',
      strange: 'Invalid',
      mute: 'Invalid',
    });
    expect(JSON.stringify(told(policies))).toContain('that of the older XBackendTrafficPolicy');
  });

  it('of which one changes, its Service alone is translated anew', () => {
    const before = new BackendPolicies([standard('a', { retryConstraint: {} })]);
    const after = new BackendPolicies([standard('a', { retryConstraint: { budget: { percent: 7 } } })]);
    expect(after.targetsThatDiffer(before)).toEqual([{ kind: 'Service', key: 'shop/web' }]);
    expect(after.targetsThatDiffer(after)).toEqual([]);
  });
});
