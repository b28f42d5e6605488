// peak_ewma: the target that is likely to answer first, by its recent latency times what it has in flight.
// Learns from every attempt in this worker; in-flight counts come from the targets, over all workers.
import type { Balancer, Chance, Outcome, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByTrial } from '../chances.ts';
import { CompareAll, type Cost } from '../compare-all.ts';
import { CompareDrawn } from '../compare-drawn.ts';
import type { Policy } from '../policy.ts';
import { seededRandom } from '../seeded-random.ts';
import { SmoothWheel } from '../smooth-wheel.ts';
import { WeightedDraw } from '../weighted-draw.ts';
import { type PeakEwmaConfig, parsePeakEwma } from './config.ts';
import { PeakEstimate } from './estimate.ts';

export const peakEwma: Policy<PeakEwmaConfig> = {
  type: 'peak_ewma',
  promises: { weights: true, sticky: false },
  parse: parsePeakEwma,
  create: (config, { random }) => new PeakEwmaBalancer(config, random),
};

/** Up to this many targets are compared whole: that costs little more than drawing, and never misses the best. */
const COMPARE_ALL_UP_TO = 16;

/** Costs this close are a tie and take turns: estimates are not that exact, and one lucky answer must not draw all. */
const TIE = 1.25;

/** A `Retry-After` beyond this is not believed. */
const MAX_PENALTY_MS = 300_000;

class PeakEwmaBalancer<T extends Target> implements Balancer<T> {
  readonly #config: PeakEwmaConfig;
  readonly #random: Random;
  #targets: readonly T[] = [];
  #wheel: SmoothWheel<T> = new SmoothWheel<T>([]);
  #estimates = new Map<T, PeakEstimate>();
  /** Of the last pick or attempt: when a target that comes is first seen. */
  #now = 0;

  constructor(config: PeakEwmaConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  update(targets: readonly T[]): Picker<T> {
    const before = this.#estimates;
    const { defaultMs, decayMs } = this.#config;
    this.#targets = targets;
    this.#wheel = new SmoothWheel(targets, this.#wheel);
    this.#estimates = new Map(
      targets.map((target) => [target, before.get(target) ?? new PeakEstimate(defaultMs, decayMs, this.#now)]),
    );
    return this.#picker(this.#wheel, this.#random);
  }

  observe(target: T, { latencyMs, failed, retryAfterMs, now }: Outcome): void {
    this.#now = now;
    const cost = failed ? this.#penalty(latencyMs, retryAfterMs) : latencyMs;
    this.#estimates.get(target)?.observe(cost, now);
  }

  describe(target: T, now: number): Readonly<Record<string, number>> {
    const estimate = this.#estimates.get(target);
    return estimate === undefined ? {} : { ewmaMs: estimate.at(now) };
  }

  preview(input: PickInput): readonly Chance<T>[] {
    const picker = this.#picker(new SmoothWheel(this.#targets), seededRandom());
    return picker instanceof CompareAll ? picker.preview(input) : chancesByTrial(this.#targets, picker, input);
  }

  /** Never less than it took: a time-out after a minute is no better than a refusal. */
  #penalty(latencyMs: number, retryAfterMs: number): number {
    const asked = Math.min(MAX_PENALTY_MS, retryAfterMs);
    return Math.max(latencyMs, asked > 0 ? asked : this.#config.penaltyMs);
  }

  #picker(wheel: SmoothWheel<T>, random: Random): Picker<T> {
    const targets = this.#targets;
    const weights = Float64Array.from(targets, ({ weight }) => weight);
    const estimates = [...this.#estimates.values()];
    const cost: Cost = (place, now) => {
      this.#now = now;
      const inFlight = targets[place]?.inFlight() ?? 0;
      // Weight divides what is in flight, not the whole: idle targets tie, and are then drawn by weight.
      return (estimates[place]?.at(now) ?? 0) * (inFlight / (weights[place] ?? 1) + 1);
    };
    const all = new CompareAll(targets, wheel, cost, TIE);
    if (targets.length <= COMPARE_ALL_UP_TO) return all;
    return new CompareDrawn(targets, this.#config.choices, new WeightedDraw(targets, random), cost, all);
  }
}
