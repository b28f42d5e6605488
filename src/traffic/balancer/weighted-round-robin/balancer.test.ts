// weighted_round_robin: exact shares, smooth order, and credit that outlives an update.
// Knows no load: the policy ignores it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBalancer } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, shares, targetsOf } from '../policy.contract.ts';

describePolicy('weighted_round_robin', { type: 'weighted_round_robin' });

const first = () => createBalancer<FakeTarget>({ type: 'weighted_round_robin' }, { random: () => 0 });

describe('weighted_round_robin', () => {
  it('interleaves smoothly instead of sending bursts', () => {
    const picker = first().update(targetsOf(5, 1, 1));
    const turns = Array.from({ length: 70 }, () => picked(picker).index);
    expect(turns.slice(0, 7)).toEqual([0, 1, 0, 0, 0, 2, 0]);
    // Two light targets part five heavy turns into runs of two and three, whichever seven one looks at.
    expect(turns.join('')).not.toContain('0000');
    expect(turns.join('')).not.toMatch(/[12][12]/);
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

  it('heeds weights that are no whole numbers, as slow start and load reports make them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.05, max: 10, noNaN: true }), { minLength: 1, maxLength: 8 }),
        (weights) => {
          const targets = targetsOf(...weights);
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (const [place, count] of shares(first().update(targets), targets, 1000).entries()) {
            expect(Math.abs(count - (1000 * (weights[place] ?? 0)) / total)).toBeLessThan(targets.length);
          }
        },
      ),
    );
  });

  it('goes on through updates as if there had been none', () => {
    const targets = targetsOf(3, 1, 2, 7);
    const quiet = first().update(targets);
    const churned = first();
    for (let turn = 0; turn < 40; turn++) expect(picked(churned.update(targets))).toBe(picked(quiet));
  });

  it('spreads targets that come one by one as well as those that come at once', () => {
    const targets = targetsOf(...new Array<number>(16).fill(1));
    const balancer = first();
    for (let count = 1; count <= 16; count++) picked(balancer.update(targets.slice(0, count)));
    const picker = balancer.update(targets);
    expect(shares(picker, targets, 160)).toEqual(targets.map(() => 10));
  });

  it('owes a target that could not be used one turn, not a burst', () => {
    const targets = targetsOf(1, 1, 1);
    const picker = first().update(targets);
    const refused = request(0, targets.slice(0, 1));
    for (let round = 0; round < 100; round++) expect(picked(picker, refused).index).not.toBe(0);
    const turns = Array.from({ length: 6 }, () => picked(picker).index);
    expect(turns.filter((index) => index === 0).length).toBeLessThanOrEqual(3);
    expect(turns.join('')).not.toContain('00');
  });
});
