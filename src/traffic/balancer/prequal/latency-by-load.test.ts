// Latency by load: what is said of loads that were seen, of those between them, and after a silence.
// Times are handed in.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyByLoad } from './latency-by-load.ts';

function learnt(...answers: readonly (readonly [inFlight: number, latencyMs: number])[]): LatencyByLoad {
  const latency = new LatencyByLoad(10_000);
  for (const [inFlight, latencyMs] of answers) latency.observe(latencyMs, inFlight, 0);
  return latency;
}

describe('LatencyByLoad', () => {
  it('knows nothing at first', () => {
    expect(new LatencyByLoad(10_000).estimate(0, 0)).toBe(-1);
  });

  it('tells loads apart', () => {
    const latency = learnt([0, 5], [3, 20], [10, 80]);
    expect([0, 3, 8, 15].map((load) => latency.estimate(load, 0))).toEqual([5, 20, 80, 80]);
  });

  it('takes the nearest load that was seen, the lower of two', () => {
    const latency = learnt([1, 5], [3, 20]);
    expect(latency.estimate(0, 0)).toBe(5);
    expect(latency.estimate(2, 0)).toBe(5);
    expect(latency.estimate(1_000_000, 0)).toBe(20);
  });

  it('follows answers within a few, and no single one all the way', () => {
    const latency = learnt([0, 5]);
    latency.observe(85, 0, 0);
    expect(latency.estimate(0, 0)).toBe(15);
    for (let answer = 0; answer < 30; answer++) latency.observe(85, 0, 0);
    expect(latency.estimate(0, 0)).toBeGreaterThan(80);
  });

  it('decays in silence, and believes the first answer after it', () => {
    const latency = learnt([0, 100]);
    expect(latency.estimate(0, 10_000)).toBeCloseTo(100 / Math.E);
    latency.observe(5, 0, 60_000);
    expect(latency.estimate(0, 60_000)).toBeLessThan(6);
  });

  it('stays within what it was told', () => {
    const answer = fc.tuple(fc.nat(100_000), fc.double({ min: 1, max: 1000, noNaN: true }));
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 50 }), fc.nat(100_000), (answers, load) => {
        const estimate = learnt(...answers).estimate(load, 0);
        const latencies = answers.map(([, latencyMs]) => latencyMs);
        expect(estimate).toBeGreaterThanOrEqual(Math.min(...latencies) - 1e-9);
        expect(estimate).toBeLessThanOrEqual(Math.max(...latencies) + 1e-9);
      }),
    );
  });
});
