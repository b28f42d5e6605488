// Tests of what is made of samples of memory.
// Nothing is started.

import { describe, expect, it } from 'vitest';
import { trend } from './trend.ts';

describe('a trend', () => {
  it('is flat for memory that goes up and down', () => {
    const samples = Array.from({ length: 90 }, (_, i) => [i, 100 + (i % 2)] as const);
    const { first, last, bytesPerSecond } = trend(samples);
    expect(last / first).toBeCloseTo(1);
    expect(Math.abs(bytesPerSecond)).toBeLessThan(0.01);
  });

  it('shows a leak, and is not fooled by one high sample', () => {
    const samples = Array.from({ length: 90 }, (_, i) => [i, i === 5 ? 10_000 : 100 + i] as const);
    const { first, last } = trend(samples);
    expect(first).toBeCloseTo(115.5);
    expect(last).toBeCloseTo(174.5);
  });
});
