// Rates and quantiles out of counters, at the edges of the window and of the buckets.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketBounds, bucketOf, FINITE_BUCKETS } from './buckets.ts';
import { type Counts, CountWindow, quantile } from './count-window.ts';

const counts = (events: number, failed = 0): Counts => ({
  events,
  failed,
  buckets: [],
  seconds: events / 100,
  open: 0,
});
const all = (): boolean => true;

describe('a window', () => {
  test('knows nothing from one reading', () => {
    const window = new CountWindow(10_000);
    window.add(0, new Map([['a', counts(100)]]));
    expect(window.seconds()).toBe(0);
    expect(window.within(all).events).toBe(0);
  });

  test('counts between its ends, series that came meanwhile included', () => {
    const window = new CountWindow(10_000);
    window.add(0, new Map([['a', counts(100, 5)]]));
    window.add(
      4_000,
      new Map([
        ['a', counts(140, 7)],
        ['b', counts(10)],
      ]),
    );
    expect(window.seconds()).toBe(4);
    expect(window.within(all)).toMatchObject({ events: 50, failed: 2 });
    expect(window.within((series) => series === 'b')).toMatchObject({ events: 10 });
  });

  test('keeps one reading from before it, so that it is never shorter than it says', () => {
    const window = new CountWindow(10_000);
    for (let second = 0; second <= 60; second++) window.add(second * 1000, new Map([['a', counts(second * 10)]]));
    expect(window.seconds()).toBe(10);
    expect(window.within(all).events).toBe(100);
  });

  test('can be asked for its latest part, and how many more are at work', () => {
    const window = new CountWindow(10_000);
    for (let second = 0; second <= 10; second++) {
      const events = second <= 8 ? second : 8 + 50 * (second - 8);
      window.add(second * 1000, new Map([['a', { ...counts(events), open: second === 10 ? 7 : 1 }]]));
    }
    expect(window.seconds(2_000)).toBe(2);
    expect(window.within(all, 2_000)).toMatchObject({ events: 100, open: 6 });
    expect(window.within(all, 1_500)).toMatchObject({ events: 100 });
    expect(window.within(all)).toMatchObject({ events: 108, open: 6 });
  });

  test('takes a counter that went back for a new one', () => {
    const window = new CountWindow(10_000);
    window.add(0, new Map([['a', counts(1000)]]));
    window.add(1000, new Map([['a', counts(30)]]));
    expect(window.within(all).events).toBe(30);
  });

  test('does not count series that are gone', () => {
    const window = new CountWindow(10_000);
    window.add(0, new Map([['a', counts(1000)]]));
    window.add(1000, new Map());
    expect(window.within(all).events).toBe(0);
  });
});

describe('a quantile', () => {
  test.each([
    ['of nothing', [], 0.5, 0],
    ['of empty buckets', [0, 0, 0], 0.99, 0],
    ['half of the first bucket', [10], 0.5, 0.0000625],
    ['the end of the first bucket', [10], 1, 0.000125],
    ['the end of the second', [0, 10], 1, 0.00025],
    ['the middle of the second', [0, 10], 0.5, 0.0001875],
    ['between two buckets', [5, 5], 0.5, 0.000125],
    ['beyond the last bound', [...Array(FINITE_BUCKETS).fill(0), 4], 0.5, bucketBounds.at(-1)],
  ])('%s', (_what, buckets, q, expected) => {
    expect(quantile(buckets as number[], q)).toBeCloseTo(expected as number, 9);
  });

  test('lies in the bucket of the true one, and grows with the share', () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, q) => {
        const buckets = Array<number>(FINITE_BUCKETS + 1).fill(0);
        for (const ms of all) buckets[bucketOf(ms)] = (buckets[bucketOf(ms)] ?? 0) + 1;
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)] ?? 0;
        const at = bucketOf(exact);
        const found = quantile(buckets, q);
        expect(found).toBeLessThanOrEqual((bucketBounds[at] ?? 0) + 1e-9);
        expect(found).toBeGreaterThanOrEqual((bucketBounds[at - 1] ?? 0) - 1e-9);
        expect(quantile(buckets, Math.min(1, q + 0.1))).toBeGreaterThanOrEqual(found - 1e-12);
      }),
    );
  });
});
