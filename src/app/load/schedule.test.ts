// When requests leave: steady, along a changing rate, and as recorded.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ProfileName, profileKnots } from './profiles.ts';
import { constantRate, recordedTimes, type Schedule, varyingRate } from './schedule.ts';

test('a constant rate is evenly spaced and ends with its total', () => {
  const schedule = constantRate(4, 1_000);
  expect(schedule.total).toBe(4);
  expect([0, 1, 2, 3].map(schedule.startOf)).toEqual([0, 250, 500, 750]);
  expect([-1, 0, 249, 250, 1_000, 9_000].map(schedule.dueBy)).toEqual([0, 1, 1, 2, 4, 4]);
});

/** Requests that leave in [fromMs, toMs). */
function sentWithin({ total, startOf }: Schedule, fromMs: number, toMs: number): number {
  return Array.from({ length: total }, (_, i) => startOf(i)).filter((at) => at >= fromMs && at < toMs).length;
}

describe('a rate that varies', () => {
  test('rises evenly: a ramp from 0 to 10 a second sends a quarter in its first half', () => {
    const ramp = varyingRate([
      { atMs: 0, rate: 0 },
      { atMs: 20_000, rate: 10 },
    ]);
    expect(ramp.total).toBe(100);
    expect(sentWithin(ramp, 0, 10_000)).toBe(25);
  });

  test('sends nothing where it is 0, and goes on behind it', () => {
    const schedule = varyingRate([
      { atMs: 0, rate: 0 },
      { atMs: 1000, rate: 0 },
      { atMs: 1000, rate: 4 },
      { atMs: 2000, rate: 4 },
      { atMs: 2000, rate: 0 },
      { atMs: 5000, rate: 0 },
      { atMs: 5000, rate: 4 },
      { atMs: 6000, rate: 4 },
    ]);
    const starts = Array.from({ length: schedule.total }, (_, i) => schedule.startOf(i));
    expect(starts).toEqual([1000, 1250, 1500, 1750, 5000, 5250, 5500, 5750]);
    expect([999, 1000, 3000, 4999, 5000].map(schedule.dueBy)).toEqual([0, 1, 4, 4, 5]);
  });

  test('none leaves before its time, and all that are due have left', () => {
    const knots = fc
      .array(fc.tuple(fc.nat(5000), fc.nat(200)), { minLength: 2, maxLength: 8 })
      .map((steps) => {
        let atMs = 0;
        return steps.map(([ms, rate], i) => {
          if (i > 0) atMs += ms;
          return { atMs, rate };
        });
      })
      .filter((list) => (list.at(-1)?.atMs ?? 0) > 0);
    fc.assert(
      fc.property(knots, fc.double({ min: 0, max: 1, noNaN: true }), (list, part) => {
        const schedule = varyingRate(list);
        const at = schedule.durationMs * part;
        const due = schedule.dueBy(at);
        if (due > 0) expect(schedule.startOf(due - 1)).toBeLessThanOrEqual(at);
        if (due < schedule.total && at < schedule.durationMs) expect(schedule.startOf(due)).toBeGreaterThan(at);
        const starts = Array.from({ length: schedule.total }, (_, i) => schedule.startOf(i));
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      }),
    );
  });
});

test('recorded requests leave when they left', () => {
  const schedule = recordedTimes([0, 5, 5, 40]);
  expect([0, 4, 5, 39, 40, 100].map(schedule.dueBy)).toEqual([1, 1, 3, 3, 4, 4]);
});

const shape = { rate: 10, peak: 100, durationMs: 60_000, periodMs: 20_000 };

test.each<[ProfileName, ...[from: number, to: number, rate: number][]]>([
  // A fifth of the time at the base, then within a second at the peak.
  ['spike', [0, 12_000, 10], [14_000, 39_000, 100], [46_000, 60_000, 10]],
  ['ramp', [0, 30_000, 32.5], [30_000, 60_000, 77.5]],
  ['wave', [0, 20_000, 55], [9000, 11_000, 99], [19_000, 21_000, 11]],
  ['constant', [0, 30_000, 10], [30_000, 60_000, 10]],
  ['soak', [3000, 60_000, 10]],
])('%s has the rates of its shape', (name, ...parts) => {
  const schedule = varyingRate(profileKnots(name as Exclude<ProfileName, 'replay'>, shape));
  for (const [from, to, rate] of parts) {
    const sent = (sentWithin(schedule, from, to) * 1000) / (to - from);
    expect(Math.abs(sent - rate), `${from} to ${to} ms: ${sent}/s`).toBeLessThan(1);
  }
});
