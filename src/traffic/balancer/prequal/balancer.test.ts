// prequal: hot and cold in a large fleet, all compared in a small one, and failures that do not look idle.
// Loads, latencies and times are made up; no request is sent.
import { describe, expect, it } from 'vitest';
import type { Balancer } from '../balancer.ts';
import { createBalancer, policies } from '../index.ts';
import { describePolicy, FakeTarget, picked, request, seededRandom, targetsOf } from '../policy.contract.ts';

const config = policies.prequal.parse({});

describePolicy('prequal', config);
// With so small a pool the contract's fleets are probed, not compared whole.
describePolicy('prequal with a pool of two', policies.prequal.parse({ poolSize: 2 }));
describePolicy('prequal with few probes', policies.prequal.parse({ poolSize: 4, probesPerRequest: 0.5 }));

class Fleet {
  readonly targets: readonly FakeTarget[];
  readonly balancer: Balancer<FakeTarget>;
  now = 1000;

  constructor(latencies: readonly number[]) {
    this.targets = latencies.map((_, index) => new FakeTarget(index));
    this.balancer = createBalancer<FakeTarget>(config, { random: seededRandom() });
    this.balancer.update(this.targets);
    for (let answers = 0; answers < 30; answers++) {
      for (const [index, latencyMs] of latencies.entries()) this.answer(index, latencyMs);
    }
  }

  answer(index: number, latencyMs: number, failed = false, retryAfterMs = 0): void {
    const target = this.targets[index];
    if (target !== undefined) this.balancer.observe?.(target, { latencyMs, failed, retryAfterMs, now: this.now });
  }

  share(...indexes: number[]): number {
    const chances = this.balancer.preview({ ...request(), now: this.now });
    return chances.filter(({ target }) => indexes.includes(target.index)).reduce((sum, { share }) => sum + share, 0);
  }
}

const many = Array.from({ length: 40 }, (_, index) => index);

describe('prequal in a large fleet', () => {
  it('prefers fast targets among those that are not hot', () => {
    const fleet = new Fleet(many.map((index) => (index < 20 ? 5 : 50)));
    expect(fleet.share(...many.slice(0, 20))).toBeGreaterThan(0.95);
  });

  it('keeps off hot targets, even if they are the fastest', () => {
    const fleet = new Fleet(many.map((index) => (index < 4 ? 5 : 20)));
    for (const target of fleet.targets) target.load = target.index < 4 ? 30 : 2;
    expect(fleet.share(0, 1, 2, 3)).toBeLessThan(0.02);
  });

  it('looks at latency, not at load, among those that are not hot', () => {
    const fleet = new Fleet(many.map(() => 0));
    for (const target of fleet.targets) target.load = target.index < 20 ? 3 : 1;
    for (let answers = 0; answers < 50; answers++) {
      for (const index of many) fleet.answer(index, index < 20 ? 5 : 50);
    }
    expect(fleet.share(...many.slice(0, 20))).toBeGreaterThan(0.9);
  });

  it('takes a newcomer for as fast as the mean, so that it is neither flooded nor shunned', () => {
    const fleet = new Fleet(many.map((index) => 10 + (index % 2) * 20));
    const newcomer = new FakeTarget(99);
    fleet.balancer.update([...fleet.targets, newcomer]);
    expect(fleet.balancer.describe?.(newcomer, fleet.now).latencyMs).toBeGreaterThan(15);
    expect(fleet.balancer.describe?.(newcomer, fleet.now).latencyMs).toBeLessThan(25);
    expect(fleet.share(99)).toBeLessThan(0.1);
  });

  it('keeps off a target that fails fast, though it is always idle', () => {
    const fleet = new Fleet(many.map(() => 20));
    for (const target of fleet.targets) target.load = target.index === 0 ? 0 : 3;
    expect(fleet.share(0)).toBeGreaterThan(0);
    for (let failures = 0; failures < 4; failures++) fleet.answer(0, 0.2, true);
    expect(fleet.share(0)).toBe(0);
  });

  it('tries it again as the penalty decays', () => {
    const fleet = new Fleet(many.map(() => 20));
    for (let failures = 0; failures < 20; failures++) fleet.answer(0, 0.2, true);
    fleet.now += 90_000;
    for (const index of many) if (index !== 0) fleet.answer(index, 20);
    expect(fleet.share(0)).toBeGreaterThan(0);
  });

  it('carries its probes over an update, under the new places of their targets', () => {
    const fleet = new Fleet(many.map((index) => (index < 36 ? 50 : 5)));
    const input = { ...request(), now: fleet.now };
    const picker = fleet.balancer.update(fleet.targets);
    for (let round = 0; round < 100; round++) picked(picker, input);
    const others = fleet.balancer.update(fleet.targets.slice(4));
    for (let round = 0; round < 100; round++) expect(picked(others, input).index).toBeGreaterThanOrEqual(4);
  });

  it('finds a target for a retry that has tried every target of the pool', () => {
    const targets = targetsOf(...many.map(() => 1));
    const picker = createBalancer<FakeTarget>(config, { random: seededRandom() }).update(targets);
    expect(picked(picker, request(0, targets.slice(0, 39)))).toBe(targets[39]);
  });
});

describe('prequal in a small fleet', () => {
  it('compares all, by latency and load', () => {
    const fleet = new Fleet([5, 5, 40, 5]);
    expect(fleet.share(2)).toBe(0);
    const [first, second] = fleet.targets as [FakeTarget, FakeTarget];
    first.load = 3;
    second.load = 3;
    expect(fleet.share(3)).toBe(1);
  });

  it('keeps off a target that fails fast, and goes on by load when all fail', () => {
    const fleet = new Fleet([20, 20, 20]);
    for (let failures = 0; failures < 4; failures++) fleet.answer(0, 0.2, true);
    expect(fleet.share(0)).toBe(0);
    for (let failures = 0; failures < 4; failures++) for (const index of [1, 2]) fleet.answer(index, 0.2, true);
    const [busy] = fleet.targets as [FakeTarget];
    busy.load = 200;
    expect(fleet.share(0)).toBe(0);
    expect(fleet.share(1)).toBe(0.5);
  });

  it('counts Retry-After as the penalty, up to five minutes', () => {
    const fleet = new Fleet([20, 20]);
    const load = (index: number): number => {
      const target = fleet.targets[index];
      return target === undefined ? 0 : (fleet.balancer.describe?.(target, fleet.now).load ?? 0);
    };
    fleet.answer(0, 1, true, 20_000);
    fleet.answer(1, 1, true, 1e12);
    expect(load(1) / load(0)).toBeCloseTo(15);
  });
});

describe('prequal settings', () => {
  it.each([
    [{ poolSize: 1 }, /"poolSize".*"1": use a whole number from 2 to 64/],
    [{ hotQuantile: 84 }, /"hotQuantile".*"84": use a number from 0 to 1/],
    [{ probesPerRequest: 0 }, /"probesPerRequest".*"0"/],
  ])('refuses %j', (settings, message) => {
    expect(() => policies.prequal.parse(settings)).toThrow(message);
  });
});
