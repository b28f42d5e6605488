// Crash-loop timing as Kubernetes has it, with a clock moved by hand.
import { expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { Backoff, formatDelay } from './backoff.ts';

test('the first restart is at once, later ones wait 10 s doubling to 5 min', () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  const waits: number[] = [];
  for (let crash = 0; crash < 9; crash++) {
    const endedAt = clock.now();
    const wait = backoff.remaining('c', endedAt);
    waits.push(wait / 1000);
    clock.advance(wait);
    expect(backoff.remaining('c', endedAt)).toBe(0);
    backoff.next('c', endedAt);
  }
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test('more than 10 min of running forgets what was', () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  for (let crash = 0; crash < 3; crash++) backoff.next('c', clock.now());
  expect(backoff.delay('c')).toBe(40_000);
  clock.advance(600_000);
  expect(backoff.remaining('c', clock.now())).toBe(40_000);
  clock.advance(1);
  expect(backoff.remaining('c', clock.now())).toBe(0);
  backoff.next('c', clock.now());
  expect(backoff.delay('c')).toBe(10_000);
});

test.each([
  [10_000, '10s'],
  [40_000, '40s'],
  [160_000, '2m40s'],
  [300_000, '5m0s'],
])('%i ms is written %s', (ms, text) => {
  expect(formatDelay(ms)).toBe(text);
});
