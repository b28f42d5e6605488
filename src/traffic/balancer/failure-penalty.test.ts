// The penalty of failures: small for an accident, large in a row, decaying, and back at once.
// Times are handed in.
import { describe, expect, it } from 'vitest';
import { FailurePenalty } from './failure-penalty.ts';

const USUAL = 10;
const PENALTY = 5_000;

function failing(penalty: FailurePenalty, times: number, now = 0, retryAfterMs = 0): number {
  for (let time = 0; time < times; time++) penalty.failed(USUAL, PENALTY, retryAfterMs, now);
  return penalty.at(now);
}

function succeeding(penalty: FailurePenalty, times: number): void {
  for (let time = 0; time < times; time++) penalty.succeeded();
}

describe('FailurePenalty', () => {
  it('counts an accident as one usual answer', () => {
    expect(failing(new FailurePenalty(10_000), 1)).toBeCloseTo(USUAL);
  });

  it('goes on doing so however many accidents there are, as long as most requests do well', () => {
    const penalty = new FailurePenalty(10_000);
    for (let accident = 0; accident < 20; accident++) {
      succeeding(penalty, 200);
      expect(failing(penalty, 1, accident * 1000)).toBeLessThan(1.01 * USUAL);
    }
  });

  it('grows fast with failures in a row, to the penalty and no further', () => {
    const after = [1, 2, 3, 4, 16, 100].map((times) => failing(new FailurePenalty(10_000), times));
    expect(after.toSorted((a, b) => a - b)).toEqual(after);
    expect(after[2]).toBeGreaterThan(20 * USUAL);
    expect(after[4]).toBeGreaterThan(PENALTY / 2);
    expect(after[5]).toBe(PENALTY);
  });

  it('holds against a target of which half of the attempts fail', () => {
    const penalty = new FailurePenalty(10_000);
    for (let round = 0; round < 40; round++) {
      succeeding(penalty, 1);
      failing(penalty, 1);
    }
    expect(penalty.at(0)).toBeGreaterThan(100 * USUAL);
  });

  it('decays with time, and is back at once if the next attempt fails, too', () => {
    const penalty = new FailurePenalty(10_000);
    failing(penalty, 100);
    expect(penalty.at(10_000)).toBeCloseTo(PENALTY / Math.E);
    expect(penalty.at(120_000)).toBeLessThan(0.1);
    expect(failing(penalty, 1, 120_000)).toBe(PENALTY);
  });

  it('believes a Retry-After at once, up to five minutes', () => {
    expect(failing(new FailurePenalty(10_000), 1, 0, 20_000)).toBe(20_000);
    expect(failing(new FailurePenalty(10_000), 1, 0, 1e12)).toBe(300_000);
  });

  it('is nothing without failures', () => {
    const penalty = new FailurePenalty(10_000);
    succeeding(penalty, 10);
    expect(penalty.at(1e9)).toBe(0);
  });
});
