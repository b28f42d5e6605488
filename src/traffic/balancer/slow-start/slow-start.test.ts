// slow start: Envoy's curve, its floor and its end.
// Knows no policy: the factor alone counts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slowStartFactor } from './slow-start.ts';

const linear = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };

describe('slowStartFactor', () => {
  it.each([
    [0, 0.1],
    [6_000, 0.1],
    [15_000, 0.25],
    [30_000, 0.5],
    [59_999, 0.999983],
    [60_000, 1],
    [1e9, 1],
  ])('after %i ms of a minute is %d of the weight', (elapsed, factor) => {
    expect(slowStartFactor(elapsed, linear)).toBeCloseTo(factor, 5);
  });

  it('grows faster at first with more aggression', () => {
    expect(slowStartFactor(15_000, { ...linear, aggression: 2 })).toBeCloseTo(0.5);
    expect(slowStartFactor(15_000, { ...linear, aggression: 0.5 })).toBeCloseTo(0.1);
  });

  it('takes no time without a window', () => {
    expect(slowStartFactor(0, { ...linear, windowMs: 0 })).toBe(1);
  });

  it('never shrinks, and stays above nothing and below the whole', () => {
    const settings = fc.record({
      windowMs: fc.integer({ min: 0, max: 600_000 }),
      aggression: fc.double({ min: 0.1, max: 10, noNaN: true }),
      minWeightPercent: fc.double({ min: 0, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(settings, fc.nat(700_000), fc.nat(10_000), (setting, elapsed, step) => {
        const now = slowStartFactor(elapsed, setting);
        expect(now).toBeGreaterThan(0);
        expect(now).toBeLessThanOrEqual(1);
        expect(slowStartFactor(elapsed + step, setting)).toBeGreaterThanOrEqual(now);
      }),
    );
  });
});
