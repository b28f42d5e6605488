// prequal: of a pool of recent probes the fastest target that is not hot (Wydrowski et al., NSDI 2024).
// A probe reads what the gateway itself knows of a target; no request is sent. What differs from the paper: README.md.
import type { Balancer, Chance, Outcome, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByTrial } from '../chances.ts';
import { CompareAll, type Cost } from '../compare-all.ts';
import type { Policy } from '../policy.ts';
import { seededRandom } from '../seeded-random.ts';
import { SmoothWheel } from '../smooth-wheel.ts';
import { WeightedDraw } from '../weighted-draw.ts';
import { type PrequalConfig, parsePrequal } from './config.ts';
import { Knowledge, type TargetKnowledge } from './knowledge.ts';
import { LoadWindow } from './load-window.ts';
import { ProbePicker, type ProbeState } from './picker.ts';
import { ProbePool } from './probe-pool.ts';

/** Waits this close are a tie and take turns: estimates are not that exact. */
const TIE = 1.25;

/** Of an estimate that has decayed to nothing: loads must go on to count. */
const MIN_MS = 0.1;

export const prequal: Policy<PrequalConfig> = {
  type: 'prequal',
  promises: { weights: true, sticky: false },
  parse: parsePrequal,
  create: (config, { random }) => new PrequalBalancer(config, random),
};

class PrequalBalancer<T extends Target> implements Balancer<T> {
  readonly #config: PrequalConfig;
  readonly #random: Random;
  readonly #knowledge = new Knowledge<T>();
  #targets: readonly T[] = [];
  #known: readonly TargetKnowledge[] = [];
  #wheel: SmoothWheel<T> = new SmoothWheel<T>([]);
  #state: ProbeState;

  constructor(config: PrequalConfig, random: Random) {
    this.#config = config;
    this.#random = random;
    this.#state = { pool: new ProbePool(config.poolSize), window: new LoadWindow() };
  }

  update(targets: readonly T[]): Picker<T> {
    const places = new Map(targets.map((target, place) => [target, place]));
    const before = this.#targets;
    const pool = this.#state.pool.moved((place) => {
      const target = before[place];
      return target === undefined ? -1 : (places.get(target) ?? -1);
    });
    this.#state = { pool, window: this.#state.window };
    this.#targets = targets;
    this.#known = this.#knowledge.keep(targets);
    this.#wheel = new SmoothWheel(targets, this.#wheel);
    return this.#picker(this.#wheel, this.#state, this.#random);
  }

  observe(target: T, outcome: Outcome): void {
    this.#knowledge.observe(target, outcome);
  }

  describe(target: T, now: number): Readonly<Record<string, number>> {
    return this.#knowledge.describe(target, now);
  }

  preview(input: PickInput): readonly Chance<T>[] {
    const state = { pool: this.#state.pool.moved((place) => place), window: this.#state.window.copy() };
    const picker = this.#picker(new SmoothWheel(this.#targets), state, seededRandom());
    return picker instanceof CompareAll ? picker.preview(input) : chancesByTrial(this.#targets, picker, input);
  }

  #picker(wheel: SmoothWheel<T>, state: ProbeState, random: Random): Picker<T> {
    const targets = this.#targets;
    const known = this.#known;
    const knowledge = this.#knowledge;
    const weights = Float64Array.from(targets, ({ weight }) => weight);
    const wait: Cost = (place, now) => {
      const of = known[place];
      if (of === undefined) return 0;
      const inFlight = targets[place]?.inFlight() ?? 0;
      const load = knowledge.load(of, inFlight, now) / (weights[place] ?? 1);
      return Math.max(MIN_MS, knowledge.latencyMs(of, inFlight, now)) * (load + 1);
    };
    const all = new CompareAll(targets, wheel, wait, TIE);
    // A pool would hold all of a small fleet, only less fresh: there everybody is compared as they are now. With so few
    // loads a quantile says little, so that latency and load are multiplied instead.
    if (targets.length <= this.#config.poolSize) return all;
    const draw = new WeightedDraw(targets, random);
    return new ProbePicker(targets, { config: this.#config, random, draw, weights, known, knowledge, state, all });
  }
}
