// When the last two of ten seconds count alone.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Arrivals, ratedBy } from './arrivals.ts';

const rate = ({ count, seconds }: Arrivals): number => count / seconds;
const rated = (before: number, recent: number): number =>
  rate(ratedBy({ count: before * 8 + recent * 2, seconds: 10 }, { count: recent * 2, seconds: 2 }));

test.each([
  ['ten times as many', 15, 150, 150],
  ['twice as many of many', 200, 400, 400],
  ['a little more of many', 200, 220, 204],
  ['a little more of few', 2, 5, 2.6],
  ['a person comes to a Service where nobody was', 0, 2, 0.4],
  ['a crowd comes to a Service where nobody was', 0, 50, 50],
  ['fewer', 150, 15, 123],
  ['none any more', 100, 0, 80],
  ['as ever', 70, 70, 70],
])('%s', (_what, before, recent, expected) => {
  expect(rated(before, recent)).toBeCloseTo(expected, 6);
});

test('a window that is not longer than its end is all there is', () => {
  const only = { count: 100, seconds: 1 };
  expect(ratedBy(only, only)).toBe(only);
});

test('it is never less than what the window says', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.nat(5_000), (before, recent) => {
      const whole = { count: before + recent, seconds: 10 };
      expect(rate(ratedBy(whole, { count: recent, seconds: 2 }))).toBeGreaterThanOrEqual(rate(whole) - 1e-9);
    }),
  );
});
