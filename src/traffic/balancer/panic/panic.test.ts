// When too few are healthy.
import { expect, it } from 'vitest';
import { isPanic } from './panic.ts';

it.each([
  [5, 10, undefined, false],
  [4, 10, undefined, true],
  [0, 1, undefined, true],
  [0, 0, undefined, false],
  [0, 10, 0, false],
  [9, 10, 100, true],
  [10, 10, 100, false],
])('%d of %d healthy at a threshold of %s: %s', (healthy, total, threshold, expected) => {
  expect(isPanic(healthy, total, threshold)).toBe(expected);
});
