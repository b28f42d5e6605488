// weighted_round_robin: exact shares, smooth order, and credit that outlives an update.
// Knows no load: the policy ignores it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBalancer } from '../index.ts';
import { describePolicy, type FakeTarget, picked, shares, targetsOf } from '../policy.contract.ts';

describePolicy('weighted_round_robin', { type: 'weighted_round_robin' });

const first = () => createBalancer<FakeTarget>({ type: 'weighted_round_robin' }, { random: () => 0 });

describe('weighted_round_robin', () => {
  it('interleaves smoothly instead of sending bursts', () => {
    const picker = first().update(targetsOf(5, 1, 1));
    expect(Array.from({ length: 7 }, () => picked(picker).index)).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('gives exact shares over one full turn, for any weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const targets = targetsOf(...weights);
        const turn = weights.reduce((sum, weight) => sum + weight, 0);
        expect(shares(first().update(targets), targets, turn)).toEqual(weights);
      }),
    );
  });

  it('never runs ahead: at every moment each target is within one pick a rival of its share', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 }), (weights) => {
        const targets = targetsOf(...weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const picker = first().update(targets);
        const counts = targets.map(() => 0);
        for (let picks = 1; picks <= 3 * total; picks++) {
          const { index } = picked(picker);
          counts[index] = (counts[index] ?? 0) + 1;
          for (const [place, count] of counts.entries()) {
            const share = (picks * (weights[place] ?? 0)) / total;
            expect(Math.abs(count - share)).toBeLessThan(targets.length);
          }
        }
      }),
    );
  });

  it('keeps the credit of targets that stay through an update', () => {
    const targets = targetsOf(3, 1);
    const balancer = first();
    const sequence: number[] = [];
    for (let turn = 0; turn < 8; turn++) sequence.push(picked(balancer.update(targets)).index);
    expect(sequence).toEqual([0, 0, 1, 0, 0, 0, 1, 0]);
  });
});
