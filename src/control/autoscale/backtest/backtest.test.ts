// The autoscaler against recorded weeks in virtual time: what a forecast is worth, and that it is harmless without a pattern.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { backtest, type Fleet } from './backtest.ts';

const fleet: Fleet = {
  capacity: 50,
  target: 0.7,
  minReplicas: 2,
  maxReplicas: 50,
  podStartSeconds: 30,
  syncSeconds: 15,
  downWindowSeconds: 300,
  objectiveMs: 250,
  patienceMs: 10_000,
};
const daily = { seasonMs: 86_400_000, stepMs: 60_000, horizonMs: 180_000, maxError: 0.2 };

/** A minute a line; a value a second. */
function week(name: string): readonly number[] {
  const text = readFileSync(new URL(`../../../../examples/traces/${name}.csv`, import.meta.url), 'utf8');
  return text.split('\n').flatMap((line) => {
    const [seconds, rate] = line.split(',').map(Number);
    return Number.isFinite(seconds) && rate !== undefined && line !== '' ? Array<number>(60).fill(rate) : [];
  });
}

describe('a week of', () => {
  test.each(['shop', 'hourly'])(
    '%s has at most half the late seconds with a forecast, for at most 1.15 of the pods',
    (name) => {
      const rates = week(name);
      const alone = backtest(rates, fleet);
      const forecasting = backtest(rates, fleet, daily);
      expect(rates).toHaveLength(7 * 86_400);
      expect(alone.lateSeconds).toBeGreaterThan(1000);
      expect(forecasting.lateSeconds).toBeLessThanOrEqual(alone.lateSeconds / 2);
      expect(forecasting.podSeconds).toBeLessThanOrEqual(alone.podSeconds * 1.15);
    },
  );

  test.each(['steady', 'wandering'])('%s is left alone', (name) => {
    const rates = week(name);
    const { acted, ...forecasting } = backtest(rates, fleet, daily);
    expect(acted).toBe(0);
    const alone = backtest(rates, fleet);
    expect([forecasting.lateSeconds, forecasting.podSeconds]).toEqual([alone.lateSeconds, alone.podSeconds]);
  });
});

describe('the model of a fleet', () => {
  test('nobody waits while pods can carry the demand, and all do while they cannot', () => {
    expect(backtest(Array<number>(600).fill(80), fleet)).toMatchObject({ lateSeconds: 0, highestReplicas: 3 });
    const fixed = { ...fleet, maxReplicas: 2 };
    const { lateSeconds, podSeconds } = backtest(Array<number>(600).fill(150), fixed);
    expect(lateSeconds).toBeGreaterThan(595);
    expect(podSeconds).toBe(1200);
  });

  test('new pods serve after their start, not before', () => {
    // 2 pods carry 100; from second 15 on five are wanted, from second 45 on they are there, and the queue drains.
    const slow = backtest(Array<number>(120).fill(150), { ...fleet, podStartSeconds: 30 });
    const fast = backtest(Array<number>(120).fill(150), { ...fleet, podStartSeconds: 0 });
    expect(fast.lateSeconds).toBeLessThan(slow.lateSeconds);
    expect(slow.lateSeconds).toBeGreaterThanOrEqual(44);
  });
});
