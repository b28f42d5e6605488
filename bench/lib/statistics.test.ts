// Tests of the arithmetic that every figure goes through.
// Knows nothing of the benchmarks.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, percentile, ratios, seeded, slope } from './statistics.ts';

describe('median', () => {
  it('is the middle of an odd count, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the two in the middle of an even count', () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  it('says that there is none without values', () => {
    expect(median([])).toBeNaN();
  });

  it('has as many values above as below', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.abs(below - above)).toBeLessThanOrEqual(values.filter((value) => value === middle).length);
      }),
    );
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

  it('takes the nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.999)).toBe(100);
  });

  it('stays within the values at both ends', () => {
    expect(percentile(hundred, 0)).toBe(1);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('ratios', () => {
  it('compares round by round and forgets rounds that only one side has', () => {
    expect(ratios([10, 30, 7], [5, 10])).toEqual([2, 3]);
  });
});

describe('slope', () => {
  it('finds the line through points that lie on one', () => {
    expect(
      slope([
        [0, 3],
        [1, 5],
        [2, 7],
      ]),
    ).toBeCloseTo(2);
  });

  it('is 0 where every point has the same x, and without points', () => {
    expect(
      slope([
        [1, 3],
        [1, 9],
      ]),
    ).toBe(0);
    expect(slope([])).toBe(0);
  });
});

describe('seeded', () => {
  it('repeats itself with the same seed only', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seeded(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('covers [0, 1) evenly', () => {
    const random = seeded(7);
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const value = random();
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
      const tenth = Math.floor(value * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
