// Rows of check results and what becomes of an endpoint; spread of the waits between them.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { afterCheck, initialCheckState, nextCheckIn, type Thresholds } from './check-state.ts';

/** Health after each of the results: `+` good, `-` failed. */
function healths(results: string, thresholds: Thresholds): string {
  let state = initialCheckState(thresholds);
  return [...results]
    .map((result) => {
      state = afterCheck(state, result === '+', thresholds);
      return state.health[0];
    })
    .join('');
}

const thresholds = { unhealthyThreshold: 3, healthyThreshold: 2 };

it.each([
  ['---', 'hhu'],
  ['--+--', 'hhhhh'],
  ['---+-++', 'hhuuuuh'],
  ['----++', 'hhuuuh'],
])('%s makes %s', (results, expected) => {
  expect(healths(results, thresholds)).toBe(expected);
});

it('lets an endpoint in with its first good check when it has to pass one first', () => {
  expect(healths('+', { ...thresholds, initiallyUnhealthy: true })).toBe('h');
  expect(healths('-----+', { ...thresholds, initiallyUnhealthy: true })).toBe('ppppph');
  expect(initialCheckState({ ...thresholds, initiallyUnhealthy: true }).health).toBe('pending');
});

it('turns only after a whole row of results against it', () => {
  const threshold = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(fc.array(fc.boolean()), threshold, threshold, (results, unhealthyThreshold, healthyThreshold) => {
      const both = { unhealthyThreshold, healthyThreshold };
      let state = initialCheckState(both);
      for (const [at, good] of results.entries()) {
        const before = state.health;
        state = afterCheck(state, good, both);
        if (state.health === before) continue;
        const row = state.health === 'healthy' ? healthyThreshold : unhealthyThreshold;
        expect(results.slice(Math.max(0, at + 1 - row), at + 1)).toEqual(
          new Array(row).fill(state.health === 'healthy'),
        );
      }
    }),
  );
});

it('keeps waits within the jitter', () => {
  expect(nextCheckIn(1000, 0, () => 0.9)).toBe(1000);
  expect(nextCheckIn(1000, 20, () => 0)).toBe(800);
  expect(nextCheckIn(1000, 20, () => 0.5)).toBe(1000);
  expect(nextCheckIn(1000, 20, () => 1)).toBe(1200);
  expect(nextCheckIn(1000, 500, () => 0)).toBe(1);
});
