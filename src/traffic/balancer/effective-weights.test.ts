// Effective weights: slow start and load reports multiplied, and when pickers need to know.
// A policy stands behind them in the last test only.
import { describe, expect, it } from 'vitest';
import { EffectiveWeights } from './effective-weights.ts';
import { createBalancer } from './index.ts';
import { FakeTarget, seededRandom, shares } from './policy.contract.ts';

const slowStart = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };
const a = { name: 'a' };
const b = { name: 'b' };
const c = { name: 'c' };

function load(cpuUtilization: number) {
  return { applicationUtilization: 0, cpuUtilization, rps: 100, eps: 0 };
}

describe('EffectiveWeights', () => {
  it('changes nothing when neither slow start nor load reports are asked for', () => {
    const weights = new EffectiveWeights({});
    weights.update([a, b], 0);
    weights.update([a, b, c], 1000);
    weights.report(a, load(0.9), 1000);
    expect([a, b, c].map((target) => weights.factor(target))).toEqual([1, 1, 1]);
    expect(weights.nextRefresh(1000)).toBeUndefined();
  });

  it('warms up a target that comes beside others', () => {
    const weights = new EffectiveWeights({ slowStart });
    weights.update([a, b], 0);
    weights.update([a, b, c], 10_000);
    expect([a, b, c].map((target) => weights.factor(target))).toEqual([1, 1, 0.1]);
    expect(weights.refresh(40_000)).toBe(true);
    expect(weights.factor(c)).toBeCloseTo(0.5);
    expect(weights.refresh(70_000)).toBe(true);
    expect(weights.factor(c)).toBe(1);
    expect(weights.nextRefresh(70_000)).toBeUndefined();
  });

  it('begins warm where nobody stays, as there is nobody to spare a cold one', () => {
    const weights = new EffectiveWeights({ slowStart });
    weights.update([a, b], 0);
    expect(weights.factor(a)).toBe(1);
    weights.update([], 1000);
    weights.update([c], 2000);
    expect(weights.factor(c)).toBe(1);
  });

  it('warms up anew whoever was away', () => {
    const weights = new EffectiveWeights({ slowStart });
    weights.update([a, b], 0);
    weights.update([a], 100_000);
    weights.update([a, b], 200_000);
    expect(weights.factor(b)).toBeCloseTo(0.1);
  });

  it('goes on warming through updates of others', () => {
    const weights = new EffectiveWeights({ slowStart });
    weights.update([a], 0);
    weights.update([a, b], 0);
    weights.update([a, b, c], 30_000);
    expect(weights.factor(b)).toBeCloseTo(0.5);
  });

  it('multiplies what endpoints report with slow start', () => {
    const weights = new EffectiveWeights({ slowStart, loadReports: { blackout: 0 } });
    weights.update([a, b], 0);
    weights.update([a, b, c], 1000);
    for (const [target, utilization] of [
      [a, 0.5],
      [b, 0.5],
      [c, 0.25],
    ] as const) {
      weights.report(target, load(utilization), 31_000);
    }
    expect(weights.refresh(31_000)).toBe(true);
    expect(weights.factor(c)).toBeCloseTo(0.5 * 2);
    expect(weights.describe(c, 31_000)).toEqual({
      weightFactor: expect.closeTo(1),
      slowStartFactor: expect.closeTo(0.5),
    });
  });

  it('refreshes at most once an interval', () => {
    const weights = new EffectiveWeights({ loadReports: { blackout: 0, updateInterval: 5000 } });
    weights.update([a, b], 0);
    weights.report(a, load(0.5), 100);
    weights.report(b, load(0.1), 100);
    expect(weights.nextRefresh(100)).toBe(4900);
    expect(weights.refresh(4999)).toBe(false);
    expect(weights.refresh(5000)).toBe(true);
  });

  it('does not bother pickers with changes too small to matter, but does not lose them', () => {
    const weights = new EffectiveWeights({ loadReports: { blackout: 0 } });
    weights.update([a, b], 0);
    const steps = Array.from({ length: 30 }, (_, step) => {
      const now = 1000 * (step + 1);
      weights.report(a, load(0.5), now);
      weights.report(b, load(0.5 - 0.001 * step), now);
      return weights.refresh(now);
    });
    expect(steps.filter(Boolean).length).toBeGreaterThan(1);
    expect(steps.filter(Boolean).length).toBeLessThan(15);
    expect(weights.factor(b) / weights.factor(a)).toBeCloseTo(0.5 / 0.471, 1);
  });

  it('keeps nothing of a target that has gone, though its last answers come late', () => {
    const weights = new EffectiveWeights({ loadReports: { blackout: 0 } });
    weights.update([a, b, c], 0);
    weights.update([a, b], 1000);
    for (const target of [a, b, c]) weights.report(target, load(target === c ? 0.1 : 0.5), 2000);
    weights.update([a, b, c], 3000);
    expect(weights.factor(c)).toBe(1);
  });

  it('reaches every policy that heeds weights through Target.weight', () => {
    const weights = new EffectiveWeights<FakeTarget>({ slowStart });
    class Weighted extends FakeTarget {
      readonly own: number;
      constructor(index: number, own: number) {
        super(index, own);
        this.own = own;
        Object.defineProperty(this, 'weight', { get: () => this.own * weights.factor(this) });
      }
    }
    const targets = [new Weighted(0, 2), new Weighted(1, 2), new Weighted(2, 2)];
    const balancer = createBalancer<FakeTarget>({ type: 'weighted_round_robin' }, { random: seededRandom() });
    weights.update(targets.slice(0, 2), 0);
    balancer.update(targets.slice(0, 2));
    weights.update(targets, 0);
    weights.refresh(30_000);
    expect(shares(balancer.update(targets), targets, 500)).toEqual([200, 200, 100]);
  });
});
