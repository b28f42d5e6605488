// Budgets: how many pods may go.
// Pure, without a cluster.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { describe, expect, test } from 'vitest';
import { budgetStatus } from './status.ts';

const NOW = Date.UTC(2026, 0, 1);
const AT = '2026-01-01T00:00:00Z';

const pod = (name: string, ready = true, extra: object = {}): Pod => ({
  metadata: { name, ...extra },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const three = [pod('a'), pod('b'), pod('c')];
const budget = (spec: PodDisruptionBudget['spec'], status?: PodDisruptionBudget['status']): PodDisruptionBudget => ({
  metadata: { generation: 2 },
  ...(spec === undefined ? {} : { spec }),
  ...(status === undefined ? {} : { status }),
});

describe('budgetStatus', () => {
  test.each([
    [
      'minAvailable 2 of 3',
      { minAvailable: 2 },
      three,
      3,
      { currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1 },
    ],
    ['minAvailable 50% of 3', { minAvailable: '50%' }, three, 3, { desiredHealthy: 2, disruptionsAllowed: 1 }],
    ['maxUnavailable 1 of 3', { maxUnavailable: 1 }, three, 3, { desiredHealthy: 2, disruptionsAllowed: 1 }],
    ['maxUnavailable 34% of 3', { maxUnavailable: '34%' }, three, 3, { desiredHealthy: 1, disruptionsAllowed: 2 }],
    ['fewer pods than there should be', { maxUnavailable: 1 }, three, 5, { desiredHealthy: 4, disruptionsAllowed: 0 }],
    [
      'an unready pod',
      { minAvailable: 2 },
      [pod('a'), pod('b'), pod('c', false)],
      3,
      { currentHealthy: 2, disruptionsAllowed: 0 },
    ],
    ['no pods', { maxUnavailable: 1 }, [], 0, { expectedPods: 0, desiredHealthy: 0, disruptionsAllowed: 0 }],
  ])('%s', (_what, spec, pods, expected, status) => {
    expect(budgetStatus(budget({ selector: {}, ...spec }), pods, expected, NOW, AT)).toMatchObject(status);
  });

  test('counts a pod whose eviction was allowed as gone, until it is or two minutes are over', () => {
    const disruptedPods = { a: '2025-12-31T23:59:00Z', b: '2025-12-31T23:50:00Z', x: '2025-12-31T23:59:00Z' };
    const status = { disruptedPods, currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    const next = budgetStatus(budget({ minAvailable: 1 }, status), three, 3, NOW, AT);
    expect(next.disruptedPods).toEqual({ a: '2025-12-31T23:59:00Z' });
    expect(next).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 });
  });

  test('says in a condition whether a pod may go', () => {
    const yes = budgetStatus(budget({ minAvailable: 2 }), three, 3, NOW, AT);
    expect(yes.conditions).toEqual([
      {
        type: 'DisruptionAllowed',
        status: 'True',
        reason: 'SufficientPods',
        message: '',
        lastTransitionTime: AT,
        observedGeneration: 2,
      },
    ]);
    const no = budgetStatus(budget({ minAvailable: 3 }, yes), three, 3, NOW, AT);
    expect(no.conditions?.[0]).toMatchObject({ status: 'False', reason: 'InsufficientPods' });
  });
});
