// Which pods go first, rule by rule in upstream's order, and for any pods.
// Pure, without a cluster.
import fc from 'fast-check';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { comparePods, DELETION_COST, podsToDelete } from './ranking.ts';

const NOW = Date.UTC(2026, 0, 1);

interface Facts {
  uid?: string;
  node?: string | undefined;
  phase?: string;
  /** Seconds since it became ready. */
  ready?: number | undefined;
  cost?: string | undefined;
  restarts?: number;
  /** Seconds since it was created. */
  age?: number;
}

function pod({ uid = 'u', node, phase = 'Running', ready, cost, restarts = 0, age = 1000 }: Facts): Pod {
  const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
  const conditions = ready === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: ago(ready) }];
  return {
    metadata: {
      uid,
      name: uid,
      creationTimestamp: ago(age),
      ...(cost === undefined ? {} : { annotations: { [DELETION_COST]: cost } }),
    },
    spec: { containers: [], ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions,
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }],
    },
  };
}

describe('comparePods', () => {
  const rules: [string, Facts, Facts][] = [
    ['unassigned before assigned', {}, { node: 'n' }],
    ['pending before unknown', { node: 'n', phase: 'Pending' }, { node: 'n', phase: 'Unknown' }],
    ['unknown before running', { node: 'n', phase: 'Unknown' }, { node: 'n', phase: 'Running' }],
    ['not ready before ready', { node: 'n' }, { node: 'n', ready: 10 }],
    ['low deletion cost before high', { node: 'n', ready: 9e6, cost: '-5' }, { node: 'n', ready: 1, cost: '10' }],
    ['short ready before long ready', { node: 'n', ready: 10 }, { node: 'n', ready: 1000 }],
    ['many restarts before few', { node: 'n', ready: 10, restarts: 3 }, { node: 'n', ready: 10, restarts: 1 }],
    ['young before old', { node: 'n', ready: 10, age: 100 }, { node: 'n', ready: 10, age: 10_000 }],
  ];

  test.each(rules)('%s', (_rule, first, second) => {
    expect(comparePods(pod(first), pod(second), () => 0, NOW)).toBeLessThan(0);
    expect(comparePods(pod(second), pod(first), () => 0, NOW)).toBeGreaterThan(0);
  });

  test('of pods ready for about as long, the uid decides and not the age', () => {
    const [a, b] = [pod({ uid: 'a', node: 'n', ready: 1000 }), pod({ uid: 'b', node: 'n', ready: 900 })];
    expect(comparePods(a, b, () => 0, NOW)).toBeLessThan(0);
  });

  test('a cost that is no 32-bit integer counts as none', () => {
    for (const cost of ['much', '1.5', '+1', '007', '99999999999']) {
      expect(comparePods(pod({ node: 'n', cost }), pod({ node: 'n', cost: '0' }), () => 0, NOW)).toBe(0);
    }
  });

  test('is an order: antisymmetric and transitive', () => {
    const facts = fc.record({
      uid: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      node: fc.constantFrom(undefined, 'n1', 'n2'),
      phase: fc.constantFrom('Pending', 'Running', 'Unknown'),
      ready: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
      cost: fc.constantFrom(undefined, '-1', '5'),
      restarts: fc.nat(2),
      age: fc.integer({ min: 1, max: 100_000 }),
    });
    const rank = (of: Pod): number => (of.spec?.nodeName === 'n1' ? 2 : 1);
    fc.assert(
      fc.property(facts, facts, facts, (fa, fb, fc2) => {
        const [a, b, c] = [pod(fa), pod(fb), pod(fc2)];
        const ab = Math.sign(comparePods(a, b, rank, NOW));
        expect(ab + Math.sign(comparePods(b, a, rank, NOW))).toBe(0);
        if (ab <= 0 && comparePods(b, c, rank, NOW) <= 0) expect(comparePods(a, c, rank, NOW)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('podsToDelete', () => {
  test('thins out the node that holds most pods of the family', () => {
    const pods = ['a', 'b', 'c'].map((uid, i) => pod({ uid, node: i < 2 ? 'full' : 'empty', ready: 100 }));
    const [first] = podsToDelete(pods, pods, 1, NOW);
    expect(first?.spec?.nodeName).toBe('full');
  });

  test('returns exactly as many as asked for, and all when asked for more', () => {
    const pods = ['a', 'b', 'c'].map((uid) => pod({ uid, node: 'n' }));
    expect(podsToDelete(pods, pods, 2, NOW)).toHaveLength(2);
    expect(podsToDelete(pods, pods, 9, NOW)).toHaveLength(3);
    expect(podsToDelete(pods, pods, 0, NOW)).toEqual([]);
  });
});
