// random: exact draws from given random numbers.
// Knows no distribution: the contract looks at that.
import { describe, expect, it } from 'vitest';
import { createBalancer } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

describePolicy('random', { type: 'random' });

function pickerOf(targets: readonly FakeTarget[], ...draws: number[]) {
  return createBalancer<FakeTarget>({ type: 'random' }, { random: () => draws.shift() ?? 0 }).update(targets);
}

describe('random', () => {
  it('maps the whole range of random numbers onto equal targets', () => {
    const picker = pickerOf(targetsOf(1, 1, 1), 0, 0.34, 0.67, 0.999999);
    expect([0, 1, 2, 3].map(() => picked(picker).index)).toEqual([0, 1, 2, 2]);
  });

  it('maps the range by weight', () => {
    const picker = pickerOf(targetsOf(1, 3), 0.24, 0.25, 0.999999);
    expect([0, 1, 2].map(() => picked(picker).index)).toEqual([0, 1, 1]);
  });

  it('draws again when it has drawn a target that was tried', () => {
    const targets = targetsOf(1, 3, 1);
    const picker = pickerOf(targets, 0.5, 0.1, 0.5, 0.79, 0.85);
    const input = request(0, targets.slice(1, 2));
    expect([0, 1].map(() => picked(picker, input).index)).toEqual([0, 2]);
  });

  it('draws by weight among the targets that were not tried after a few vain draws', () => {
    const targets = targetsOf(1, 3, 1);
    const picker = pickerOf(targets, 0.5, 0.5, 0.5, 0.5, 0.49, 0.5, 0.5, 0.5, 0.5, 0.5);
    const input = request(0, targets.slice(1, 2));
    expect([0, 1].map(() => picked(picker, input).index)).toEqual([0, 2]);
  });
});
