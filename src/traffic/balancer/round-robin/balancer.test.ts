// round_robin: the order of its turns, and where it goes on after an update.
// Knows no weights: the policy ignores them.
import { describe, expect, it } from 'vitest';
import { createBalancer } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

describePolicy('round_robin', { type: 'round_robin' });

const first = () => createBalancer<FakeTarget>({ type: 'round_robin' }, { random: () => 0 });

describe('round_robin', () => {
  it('takes the targets in order', () => {
    const picker = first().update(targetsOf(1, 1, 1));
    expect(Array.from({ length: 7 }, () => picked(picker).index)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it('starts at a random place, so that workers do not move in step', () => {
    const balancer = createBalancer<FakeTarget>({ type: 'round_robin' }, { random: () => 0.5 });
    expect(picked(balancer.update(targetsOf(1, 1, 1, 1))).index).toBe(2);
  });

  it('goes on where it stood when targets come and go', () => {
    const targets = targetsOf(1, 1, 1, 1);
    const balancer = first();
    const picker = balancer.update(targets);
    picked(picker);
    picked(picker);
    const [a, b, c, d] = targets as [FakeTarget, FakeTarget, FakeTarget, FakeTarget];
    expect(picked(balancer.update([a, b, d]))).toBe(d);
    expect(picked(balancer.update([c, b, a]))).toBe(a);
  });

  it('passes over targets that were tried without losing its turn order', () => {
    const targets = targetsOf(1, 1, 1);
    const picker = first().update(targets);
    expect(picked(picker, request(0, targets.slice(0, 1))).index).toBe(1);
    expect(picked(picker).index).toBe(2);
  });
});
