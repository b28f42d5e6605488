// The fake clock must keep time's promises, or every test that trusts it is worth nothing.
// Knows nothing beyond the clock itself.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock, systemClock } from './clock.ts';

test('FakeClock runs timers in order of their due time, whatever order they were set in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 30 }), (delays) => {
      const clock = new FakeClock();
      const fired: number[] = [];
      for (const delay of delays) clock.after(delay, () => fired.push(delay));
      clock.advance(1000);
      expect(fired).toEqual([...delays].sort((a, b) => a - b));
    }),
  );
});

test('FakeClock moves wall time and monotonic time together', () => {
  const clock = new FakeClock(1_000);
  let seen = [0, 0];
  clock.after(250, () => {
    seen = [clock.wall(), clock.now()];
  });
  clock.advance(400);
  expect(seen).toEqual([1_250, 250]);
  expect([clock.wall(), clock.now()]).toEqual([1_400, 400]);
});

test('a cancelled timer never fires, a repeating one fires each period until cancelled', () => {
  const clock = new FakeClock();
  let once = 0;
  let ticks = 0;
  clock.after(10, () => once++)();
  const stop = clock.every(10, () => {
    if (++ticks === 3) stop();
  });
  clock.advance(100);
  expect([once, ticks]).toEqual([0, 3]);
});

test('systemClock.now() never steps backwards', () => {
  const readings = Array.from({ length: 100 }, () => systemClock.now());
  expect(readings).toEqual([...readings].sort((a, b) => a - b));
});
