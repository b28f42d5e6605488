// Tests of the scenarios: each has to be one that a good policy can carry.
// Nothing is started.

import { describe, expect, it } from 'vitest';
import { scenarios, slowedDown } from './scenarios.ts';
import type { BackendPlan } from './service-time.ts';

/** Requests a second that a backend can do; a failing one none. */
function capacity({ concurrency, meanMs, heavy, fails }: BackendPlan): number {
  if (fails) return 0;
  const mean = meanMs * (heavy === undefined ? 1 : 1 - heavy.share + heavy.share * heavy.factor);
  return (concurrency * 1000) / mean;
}

describe.each(scenarios.map((scenario) => [scenario.id, scenario] as const))('scenario %s', (_, scenario) => {
  it('asks for no more than the ordinary backends can do with room to spare', () => {
    if (!('rate' in scenario.load)) return;
    const ordinary = scenario.backends.slice(scenario.odd).reduce((sum, plan) => sum + capacity(plan), 0);
    expect(scenario.load.rate).toBeLessThan(ordinary * 0.65);
  });

  it('keeps the share of what it asks for when it is slowed down', () => {
    const slow = slowedDown(scenario, 4);
    const total = (plans: readonly BackendPlan[]): number => plans.reduce((sum, plan) => sum + capacity(plan), 0);
    expect(total(slow.backends)).toBeCloseTo(total(scenario.backends) / 4);
    if ('rate' in scenario.load && 'rate' in slow.load) expect(slow.load.rate).toBe(scenario.load.rate / 4);
  });
});
