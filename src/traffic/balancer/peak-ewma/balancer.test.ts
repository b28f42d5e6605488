// peak_ewma: who looks slow, for how long, and that failing fast never pays.
// Times and latencies are handed in; no request is sent.
import { describe, expect, it } from 'vitest';
import type { Balancer } from '../balancer.ts';
import { createBalancer, policies } from '../index.ts';
import { describePolicy, FakeTarget, picked, request, seededRandom, targetsOf } from '../policy.contract.ts';

const config = policies.peak_ewma.parse({});

describePolicy('peak_ewma', config);
describePolicy('peak_ewma with two choices', policies.peak_ewma.parse({ choices: 2 }));

/** A fleet that has answered in these times, ten seconds long, and what it is asked for from then on. */
class Fleet {
  readonly targets: readonly FakeTarget[];
  readonly balancer: Balancer<FakeTarget>;
  now = 0;

  constructor(latencies: readonly number[], settings = config) {
    this.targets = latencies.map((_, index) => new FakeTarget(index));
    this.balancer = createBalancer<FakeTarget>(settings, { random: seededRandom() });
    this.balancer.update(this.targets);
    for (let second = 0; second < 60; second++) {
      this.now += 1000;
      for (const [index, latencyMs] of latencies.entries()) this.answer(index, latencyMs);
    }
  }

  answer(index: number, latencyMs: number, failed = false, retryAfterMs = 0): void {
    const target = this.targets[index];
    if (target !== undefined) this.balancer.observe?.(target, { latencyMs, failed, retryAfterMs, now: this.now });
  }

  /** One request after the other, each sent when the last was answered. */
  answersInTurn(index: number, latencyMs: number, count: number, failed = false): void {
    for (let answered = 0; answered < count; answered++) {
      this.now += latencyMs;
      this.answer(index, latencyMs, failed);
    }
  }

  share(index: number): number {
    const target = this.targets[index];
    const chances = this.balancer.preview({ ...request(), now: this.now });
    return chances.find((chance) => chance.target === target)?.share ?? 0;
  }

  ewma(index: number): number {
    const target = this.targets[index];
    return target === undefined ? 0 : (this.balancer.describe?.(target, this.now).ewmaMs ?? 0);
  }

  /** Seconds without any traffic to this target, while the others go on answering, until it gets a share again. */
  secondsUntilTried(index: number, latencyOfOthers: number): number {
    for (let second = 1; second <= 600; second++) {
      this.now += 1000;
      for (const target of this.targets) if (target.index !== index) this.answer(target.index, latencyOfOthers);
      if (this.share(index) > 0) return second;
    }
    return Number.POSITIVE_INFINITY;
  }
}

describe('peak_ewma', () => {
  it('shares a quiet Service among targets of about the same speed, and leaves out the slow one', () => {
    const fleet = new Fleet([10, 20, 60]);
    expect([0, 1, 2].map((index) => fleet.share(index))).toEqual([0.5, 0.5, 0]);
    const served: number[] = [];
    const picker = fleet.balancer.update(fleet.targets);
    for (let i = 0; i < 40; i++) served.push(picked(picker, { ...request(), now: fleet.now }).index);
    expect(served.filter((index) => index === 0)).toHaveLength(20);
  });

  it('goes by cost alone once the quickest has something to do', () => {
    const fleet = new Fleet([10, 24]);
    (fleet.targets[0] as FakeTarget).load = 1;
    expect([0, 1].map((index) => fleet.share(index))).toEqual([0.5, 0.5]);
    (fleet.targets[0] as FakeTarget).load = 3;
    expect([0, 1].map((index) => fleet.share(index))).toEqual([0, 1]);
  });

  it('sends requests to a newcomer at once, in a fleet that is faster than the default', () => {
    const fleet = new Fleet([2, 2]);
    const newcomer = new FakeTarget(2);
    fleet.balancer.update([...fleet.targets, newcomer]);
    const chances = fleet.balancer.preview({ ...request(), now: fleet.now });
    expect(chances.find(({ target }) => target === newcomer)?.share).toBeCloseTo(1 / 3);
  });

  it('prefers the target that answers sooner', () => {
    const fleet = new Fleet([20, 5, 40]);
    expect([0, 1, 2].map((index) => fleet.share(index))).toEqual([0, 1, 0]);
  });

  it('weighs latency with what is in flight: a fast target takes more at a time, not all', () => {
    const fleet = new Fleet([10, 40]);
    const [fast] = fleet.targets;
    if (fast !== undefined) fast.load = 2;
    expect(fleet.share(0)).toBe(1);
    if (fast !== undefined) fast.load = 9;
    expect(fleet.share(1)).toBe(1);
  });

  it('takes estimates that are close for equal, so that one lucky answer does not draw all requests', () => {
    const fleet = new Fleet([10, 11, 12]);
    expect([0, 1, 2].map((index) => fleet.share(index))).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });

  it('believes slow answers at once, and fast ones only with time', () => {
    const fleet = new Fleet([5, 5]);
    fleet.answersInTurn(0, 500, 7);
    expect(fleet.ewma(0)).toBe(500);
    for (let burst = 0; burst < 1000; burst++) fleet.answer(0, 5);
    expect(fleet.ewma(0)).toBe(500);
    fleet.now += 10_000;
    fleet.answer(0, 5);
    expect(fleet.ewma(0)).toBeCloseTo(500 / Math.E + 5 * (1 - 1 / Math.E));
  });

  it('does not let one slow answer speak for all: it doubles an estimate at most', () => {
    const fleet = new Fleet([5, 5]);
    fleet.answer(0, 60_000);
    expect(fleet.ewma(0)).toBeCloseTo(10, 0);
  });

  it('hears of a pause once, however many requests were caught in it', () => {
    const fleet = new Fleet([30, 30]);
    for (let caught = 0; caught < 8; caught++) {
      fleet.now += 5;
      fleet.answer(0, 300);
    }
    expect(fleet.ewma(0)).toBeCloseTo(60, 0);
    // A quiet Service goes on using both.
    expect(fleet.share(0)).toBe(0.5);
    fleet.now += 300;
    fleet.answer(0, 300);
    expect(fleet.ewma(0)).toBeGreaterThan(100);
  });

  it('tries a target that was slow again when its estimate has decayed, and forgives it when it is fast', () => {
    const fleet = new Fleet([5, 5, 5]);
    fleet.answersInTurn(0, 500, 7);
    expect(fleet.share(0)).toBe(0);
    const seconds = fleet.secondsUntilTried(0, 5);
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThan(60);
    for (let second = 0; second < 30; second++) {
      fleet.now += 1000;
      for (const index of [0, 1, 2]) fleet.answer(index, 5);
    }
    expect(fleet.share(0)).toBeCloseTo(1 / 3);
  });

  it('never lets a target that fails fast attract requests', () => {
    const fleet = new Fleet([20, 20, 20]);
    for (const other of fleet.targets.slice(1)) other.load = 9;
    for (let failures = 0; failures < 4; failures++) fleet.answer(0, 0.2, true);
    // Idle as it is, it looks worse than those with nine in flight.
    expect(fleet.share(0)).toBe(0);
    for (const other of fleet.targets.slice(1)) other.load = 0;
    for (let failures = 0; failures < 20; failures++) fleet.answer(0, 0.2, true);
    // Each time its penalty has decayed it is tried, fails, and is left alone again.
    for (let round = 0; round < 5; round++) {
      expect(fleet.secondsUntilTried(0, 20)).toBeGreaterThan(30);
      fleet.answer(0, 0.2, true);
      expect(fleet.share(0)).toBe(0);
    }
  });

  it('does not shun a target for an accident', () => {
    const fleet = new Fleet([20, 20, 20]);
    fleet.answer(0, 0.2, true);
    for (const other of fleet.targets.slice(1)) other.load = 2;
    expect(fleet.share(0)).toBe(1);
  });

  it('takes a failure for as long as the target asks to be left alone, up to five minutes', () => {
    const fleet = new Fleet([5, 5]);
    const [asking] = fleet.targets as [FakeTarget];
    const penalty = () => fleet.balancer.describe?.(asking, fleet.now).penaltyMs;
    fleet.answer(0, 1, true, 20_000);
    expect(penalty()).toBe(20_000);
    fleet.answer(0, 1, true, 1e12);
    expect(penalty()).toBe(300_000);
    expect(fleet.secondsUntilTried(0, 5)).toBeLessThan(300);
  });

  it('counts failures that took long as slow, and those that came fast not as fast', () => {
    const fleet = new Fleet([20, 20]);
    fleet.answer(0, 0.1, true);
    fleet.now += 5_000;
    fleet.answer(0, 0.1, true);
    expect(fleet.ewma(0)).toBeCloseTo(20 * Math.exp(-0.5), 0);
    fleet.answersInTurn(0, 15_000, 12, true);
    expect(fleet.ewma(0)).toBe(15_000);
  });

  it('goes on balancing by what is in flight when all fail', () => {
    const fleet = new Fleet([5, 5]);
    for (const index of [0, 1]) fleet.answer(index, 1, true);
    const [busy] = fleet.targets;
    if (busy !== undefined) busy.load = 3;
    expect(fleet.share(1)).toBe(1);
  });

  it('still sees what is in flight after hours without a request', () => {
    const fleet = new Fleet([5, 5]);
    fleet.now += 86_400_000;
    const [busy] = fleet.targets;
    if (busy !== undefined) busy.load = 3;
    expect(fleet.share(1)).toBe(1);
  });

  it('takes a newcomer for as fast as the middle of the fleet, and for 30 ms before anybody has answered', () => {
    const fleet = new Fleet([5, 5, 500]);
    const newcomer = new FakeTarget(9);
    fleet.balancer.update([...fleet.targets, newcomer]);
    expect(fleet.balancer.describe?.(newcomer, fleet.now).ewmaMs).toBeCloseTo(5, 0);
    const fresh = createBalancer<FakeTarget>(config, { random: seededRandom() });
    fresh.update([newcomer]);
    expect(fresh.describe?.(newcomer, 0).ewmaMs).toBe(30);
  });

  it('knows nobody better than another at the start, however long the machine has been up', () => {
    const targets = targetsOf(1, 1);
    const balancer = createBalancer<FakeTarget>(config, { random: seededRandom() });
    balancer.update(targets);
    const [first, second] = targets as [FakeTarget, FakeTarget];
    expect(balancer.describe?.(second, 1e9).ewmaMs).toBe(30);
    balancer.observe?.(first, { latencyMs: 5, failed: false, retryAfterMs: 0, now: 1e9 });
    expect([first, second].map((target) => balancer.describe?.(target, 1e9).ewmaMs)).toEqual([30, 30]);
    // Unheard of, it is tried in time.
    expect(balancer.describe?.(second, 1e9 + 30_000).ewmaMs).toBeLessThan(2);
  });

  it('forgets a target that goes', () => {
    const fleet = new Fleet([5, 5]);
    for (let failures = 0; failures < 20; failures++) fleet.answer(0, 1, true);
    fleet.balancer.update(fleet.targets.slice(1));
    fleet.balancer.update(fleet.targets);
    expect(fleet.ewma(0)).toBe(fleet.ewma(1));
    expect(fleet.balancer.describe?.(fleet.targets[0] ?? new FakeTarget(0), fleet.now).penaltyMs).toBe(0);
  });

  it('draws a few of a large fleet, so that the slowest gets nothing and no single one gets all', () => {
    const latencies = Array.from({ length: 20 }, (_, index) => 5 * (index + 1));
    const fleet = new Fleet(latencies, policies.peak_ewma.parse({ choices: 2 }));
    expect(fleet.share(19)).toBe(0);
    // The fastest wins each of the 19 in 190 pairs that it is in.
    expect(Math.abs(fleet.share(0) - 19 / 190)).toBeLessThan(0.03);
    const choosier = new Fleet(latencies);
    expect([16, 17, 18, 19].map((index) => choosier.share(index)).reduce((sum, share) => sum + share)).toBeLessThan(
      0.002,
    );
    expect(choosier.share(0)).toBeLessThan(0.3);
  });

  it('lets a heavier target have more in flight at the same latency', () => {
    const targets = targetsOf(1, 3);
    const picker = createBalancer<FakeTarget>(config, { random: seededRandom() }).update(targets);
    const [light, heavy] = targets as [FakeTarget, FakeTarget];
    heavy.load = 1;
    light.load = 1;
    expect(picked(picker)).toBe(heavy);
    heavy.load = 6;
    expect(picked(picker)).toBe(light);
  });

  it.each([
    [{ choices: 1 }, /"choices".*"1": use a whole number from 2/],
    [{ decayMs: 0 }, /"decayMs".*"0": use a number from 1/],
    [{ defaultMs: -1 }, /"defaultMs".*"-1"/],
    [{ penaltyMs: 'long' }, /"penaltyMs".*"long"/],
  ])('refuses %j', (settings, message) => {
    expect(() => policies.peak_ewma.parse(settings)).toThrow(message);
  });
});
