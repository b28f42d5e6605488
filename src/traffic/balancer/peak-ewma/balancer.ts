// peak_ewma: the target that is likely to answer first, by its recent latency times what it has in flight.
// Learns from every attempt in this worker; in-flight counts come from the targets, over all workers.
import type { Balancer, Chance, Outcome, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByTrial } from '../chances.ts';
import { CompareAll, type Cost } from '../compare-all.ts';
import { CompareDrawn } from '../compare-drawn.ts';
import { FailurePenalty } from '../failure-penalty.ts';
import { FleetLatency } from '../fleet-latency.ts';
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

/**
 * Among idle targets: where nobody waits for anybody, an answer that took twice as long now and then is no reason to
 * send all of a quiet Service's requests to one pod.
 */
const IDLE_TIE = 2.5;

interface Known {
  readonly estimate: PeakEstimate;
  readonly penalty: FailurePenalty;
}

class PeakEwmaBalancer<T extends Target> implements Balancer<T> {
  readonly #config: PeakEwmaConfig;
  readonly #random: Random;
  #targets: readonly T[] = [];
  #wheel: SmoothWheel<T> = new SmoothWheel<T>([]);
  #known = new Map<T, Known>();
  readonly #usual: FleetLatency;
  /** Of the last attempt: about when a target that comes is first seen. */
  #now: number | undefined;

  constructor(config: PeakEwmaConfig, random: Random) {
    this.#config = config;
    this.#random = random;
    this.#usual = new FleetLatency(config.defaultMs);
  }

  update(targets: readonly T[]): Picker<T> {
    const before = this.#known;
    this.#targets = targets;
    this.#wheel = new SmoothWheel(targets, this.#wheel);
    const newcomers = targets.some((target) => !before.has(target));
    const typical = newcomers ? this.#typical(before) : 0;
    this.#known = new Map(targets.map((target) => [target, before.get(target) ?? this.#newcomer(typical)]));
    return this.#picker(this.#wheel, this.#random);
  }

  observe(target: T, { latencyMs, failed, retryAfterMs, now }: Outcome): void {
    // Before the first answer nobody is known, and all are equal; from then on everybody's estimate decays.
    if (this.#now === undefined) for (const { estimate } of this.#known.values()) estimate.start(now);
    this.#now = now;
    const known = this.#known.get(target);
    if (known === undefined) return;
    if (failed) {
      known.estimate.observeFailure(latencyMs, now);
      known.penalty.failed(this.#usual.ms, this.#config.penaltyMs, retryAfterMs, now);
    } else {
      known.estimate.observe(latencyMs, now);
      known.penalty.succeeded();
      this.#usual.observe(latencyMs);
    }
  }

  describe(target: T, now: number): Readonly<Record<string, number>> {
    const known = this.#known.get(target);
    return known === undefined ? {} : { ewmaMs: known.estimate.at(now), penaltyMs: known.penalty.at(now) };
  }

  preview(input: PickInput): readonly Chance<T>[] {
    const picker = this.#picker(new SmoothWheel(this.#targets), seededRandom());
    return picker instanceof CompareAll ? picker.preview(input) : chancesByTrial(this.#targets, picker, input);
  }

  /** Half of the fleet is no slower; the default before anybody has answered. */
  #typical(fleet: ReadonlyMap<T, Known>): number {
    const now = this.#now;
    if (now === undefined || fleet.size === 0) return this.#config.defaultMs;
    const estimates = Float64Array.from(fleet.values(), ({ estimate }) => estimate.at(now)).sort();
    return estimates[estimates.length >>> 1] ?? this.#config.defaultMs;
  }

  /** Taken for slower than the fleet, it would idle until the others are loaded; for faster, it would be flooded. */
  #newcomer(typicalMs: number): Known {
    const { decayMs } = this.#config;
    return { estimate: new PeakEstimate(typicalMs, decayMs, this.#now), penalty: new FailurePenalty(decayMs) };
  }

  #picker(wheel: SmoothWheel<T>, random: Random): Picker<T> {
    const targets = this.#targets;
    const weights = Float64Array.from(targets, ({ weight }) => weight);
    const known = [...this.#known.values()];
    const cost: Cost = (place, now) => {
      const of = known[place];
      if (of === undefined) return 0;
      const inFlight = targets[place]?.inFlight() ?? 0;
      // Weight divides what is in flight, not the whole: idle targets tie, and are then drawn by weight.
      return (of.estimate.at(now) + of.penalty.at(now)) * (inFlight / (weights[place] ?? 1) + 1);
    };
    const all = new CompareAll(targets, wheel, cost, TIE, IDLE_TIE);
    if (targets.length <= COMPARE_ALL_UP_TO) return all;
    return new CompareDrawn(targets, this.#config.choices, new WeightedDraw(targets, random), cost, all);
  }
}
