// Retry budgets over time, at their bounds.
import { expect, test } from 'vitest';
import { RetryRateBudget } from './retry-rate.ts';

const budget = (percent: number, minCount = 2, workers = 1): RetryRateBudget =>
  new RetryRateBudget(
    { percent, minConcurrent: 0, over: { intervalMs: 10_000, minCount, minIntervalMs: 1_000 } },
    workers,
  );

/** Retries that are made of those that are wanted, one after the other at `now`. */
function made(of: RetryRateBudget, wanted: number, now: number): number {
  let count = 0;
  for (let one = 0; one < wanted; one++) {
    if (!of.allows(now)) continue;
    of.retry(now);
    count++;
  }
  return count;
}

test('a fifth of all requests may be retries, those among them', () => {
  const one = budget(20);
  for (let at = 0; at < 800; at++) one.request(5_000 + at);
  expect(made(one, 500, 6_000)).toBe(200);
});

test('where there are few requests so many are made in their time, and no more', () => {
  const one = budget(20, 3);
  expect(made(one, 10, 5_000)).toBe(3);
  expect(made(one, 10, 5_500)).toBe(0);
  // Its second is over.
  expect(made(one, 10, 6_100)).toBe(3);
});

test('requests count for as long as the interval, and not longer', () => {
  const one = budget(50, 1);
  for (let at = 0; at < 100; at++) one.request(5_000);
  expect(made(one, 200, 14_000)).toBe(100);
  expect(made(one, 200, 40_000)).toBe(1);
});

test('no percent is none beyond the least, and all of them are all', () => {
  const none = budget(0, 1);
  for (let at = 0; at < 100; at++) none.request(5_000);
  expect(made(none, 50, 5_000)).toBe(1);
  expect(made(budget(100, 1), 50, 5_000)).toBe(50);
});

test('workers share what is always made', () => {
  expect([made(budget(0, 10, 4), 50, 5_000), made(budget(0, 1, 4), 50, 5_000)]).toEqual([3, 1]);
});
