// Back-off: grows, is capped, stays within its jitter; and the wait can be cut short.
// Random and time are given, so every run sees the same.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffDelay, delay } from './backoff.ts';
import { FakeClock } from './clock.ts';

test('doubles from its base up to its cap', () => {
  const options = { baseMs: 5, capMs: 100 };
  expect([1, 2, 3, 4, 5, 6, 1000].map((failures) => backoffDelay(failures, options))).toEqual([
    5, 10, 20, 40, 80, 100, 100,
  ]);
});

test('is at least the plain delay and at most the jitter more, for any number of failures', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const plain = backoffDelay(failures, { baseMs: 800, capMs: 30_000 });
      const jittered = backoffDelay(failures, { baseMs: 800, capMs: 30_000, jitter: 1, random: () => random });
      expect(jittered).toBeGreaterThanOrEqual(plain);
      expect(jittered).toBeLessThan(plain * 2);
      expect(plain).toBeLessThanOrEqual(30_000);
    }),
  );
});

test('a delay ends with its time, or at once when its signal aborts', async () => {
  const clock = new FakeClock();
  const order: string[] = [];
  const stop = new AbortController();
  const short = delay(clock, 10).then(() => order.push('short'));
  const long = delay(clock, 1_000, stop.signal).then(() => order.push('cut'));
  clock.advance(10);
  await short;
  stop.abort();
  await long;
  await delay(clock, 1_000, stop.signal);
  expect(order).toEqual(['short', 'cut']);
});
