// What policies do to the slowest requests, in simulated fleets: claims of one policy against another.
// Same seeds, same figures on every machine; simulation.bench.ts prints them.
import { describe, expect, it } from 'vitest';
import { type PolicyConfig, policies } from './index.ts';
import { scenarios } from './testing/scenarios.ts';
import { quantile, type Result, simulate } from './testing/simulator.ts';

type Scenarios = keyof typeof scenarios;

const roundRobin = policies.round_robin.parse({});
const leastRequest = policies.least_request.parse({});
const peakEwma = policies.peak_ewma.parse({});
const adaptive: readonly PolicyConfig[] = [peakEwma, policies.prequal.parse({})];

const seeds = [1, 2];
const runs = new Map<string, readonly Result[]>();

function run(config: PolicyConfig, scenario: Scenarios): readonly Result[] {
  const key = `${JSON.stringify(config)} ${scenario}`;
  const known = runs.get(key) ?? seeds.map((seed) => simulate(config, scenarios[scenario], seed));
  runs.set(key, known);
  return known;
}

/** Of the worse seed. */
function p99(config: PolicyConfig, scenario: Scenarios): number {
  return Math.max(...run(config, scenario).map((result) => quantile(result, 0.99)));
}

/** Share of the requests that the last backend, the odd one, was given; of the worse seed. */
function oddShare(config: PolicyConfig, scenario: Scenarios): number {
  return Math.max(...run(config, scenario).map(({ given }) => (given.at(-1) ?? 0) / given.reduce((a, b) => a + b, 0)));
}

function answered(config: PolicyConfig, scenario: Scenarios): number {
  return run(config, scenario).reduce((sum, result) => sum + result.answered, 0);
}

describe.each(adaptive.map((config) => [config.type, config] as const))('%s', (_, config) => {
  it('keeps p99 under a fifth of round robin, and under that of least_request, beside two slow of sixteen', () => {
    expect(p99(config, 'twoSlowOfSixteen')).toBeLessThan(p99(roundRobin, 'twoSlowOfSixteen') / 5);
    expect(p99(config, 'twoSlowOfSixteen')).toBeLessThan(p99(leastRequest, 'twoSlowOfSixteen'));
  });

  it('does so in a fleet too large to look at whole', () => {
    expect(p99(config, 'twelveSlowOfHundred')).toBeLessThan(p99(roundRobin, 'twelveSlowOfHundred') / 5);
    expect(p99(config, 'twelveSlowOfHundred')).toBeLessThan(p99(leastRequest, 'twelveSlowOfHundred'));
  });

  it('carries at least what round robin does over four busy CPUs', () => {
    expect(answered(config, 'fourCpuBound')).toBeGreaterThan(0.97 * answered(roundRobin, 'fourCpuBound'));
  });

  it('gives one that fails at once under two percent, though it is always idle', () => {
    expect(oddShare(config, 'oneFails')).toBeLessThan(0.02);
    expect(oddShare(leastRequest, 'oneFails')).toBeGreaterThan(0.125);
  });

  it('keeps p99 under a fifth of round robin beside one that stalls for two seconds now and then', () => {
    expect(p99(config, 'oneStalls')).toBeLessThan(p99(roundRobin, 'oneStalls') / 5);
  });

  it('comes back to one that was slow and is good again', () => {
    expect(oddShare(config, 'oneRecovers')).toBeGreaterThan(0.125 / 2);
  });

  it('comes back to a fifth of a fleet too large to look at whole', () => {
    for (const { given } of run(config, 'fourRecoverOfTwenty')) {
      const share =
        given.slice(-4).reduce((sum, count) => sum + count, 0) / given.reduce((sum, count) => sum + count, 0);
      expect(share).toBeGreaterThan(4 / 20 / 2);
    }
  });

  it('keeps off nobody for an error or a slow answer now and then', () => {
    for (const scenario of ['sporadicErrors', 'rareGiants'] as const) {
      expect(p99(config, scenario)).toBeLessThan(1.1 * p99(leastRequest, scenario));
      expect(p99(config, scenario)).toBeLessThan(p99(roundRobin, scenario));
    }
  });

  it('makes requests of unequal cost wait less than round robin does', () => {
    expect(p99(config, 'unequalCost')).toBeLessThan(p99(roundRobin, 'unequalCost'));
  });
});

describe('the simulator', () => {
  it('gives the same figures for the same seed, and others for another', () => {
    const figures = (seed: number) =>
      quantile(simulate(peakEwma, { ...scenarios.oneStalls, duration: 2000 }, seed), 0.9);
    expect(figures(1)).toBe(figures(1));
    expect(figures(1)).not.toBe(figures(2));
  });
});
