// The picks of prequal in a fleet too large to look at whole: probe a few, take the best probe, tidy the pool up.
// Knows the rates of the paper; what a target is like it asks the balancer's knowledge.
import type { Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { noTargets, picksOf } from '../policy.ts';
import type { WeightedDraw } from '../weighted-draw.ts';
import type { PrequalConfig } from './config.ts';
import type { Knowledge, TargetKnowledge } from './knowledge.ts';
import type { LoadWindow } from './load-window.ts';
import type { ProbePool } from './probe-pool.ts';

/** Probes dropped with each request. */
const REMOVALS_PER_REQUEST = 1;

/** The paper's delta: how many more uses than requests the pool is to hold. */
const SPARE_USES = 1;

/** Probes taken beyond the rate for a request that the pool has nothing for. */
const MAX_MORE_PROBES = 4;

/** What outlives an update. */
export interface ProbeState {
  readonly pool: ProbePool;
  readonly window: LoadWindow;
}

export interface ProbePickerParts<T extends Target> {
  readonly config: PrequalConfig;
  readonly random: Random;
  readonly draw: WeightedDraw;
  readonly weights: Float64Array;
  readonly known: readonly TargetKnowledge[];
  readonly knowledge: Knowledge<T>;
  readonly state: ProbeState;
  /** For a request that has tried all that were probed. */
  readonly all: Picker<T>;
}

export class ProbePicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #parts: ProbePickerParts<T>;
  readonly #uses: number;
  #tried: readonly Target[] = [];
  readonly #untried = (place: number): boolean => {
    const target = this.#targets[place];
    return target !== undefined && !this.#tried.includes(target);
  };

  constructor(targets: readonly T[], parts: ProbePickerParts<T>) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#parts = parts;
    this.#uses = usesOf(parts.config, targets.length);
  }

  pick(input: PickInput): Pick<T> {
    const { config, state, random, weights, all } = this.#parts;
    const { pool, window } = state;
    for (let probes = rounded(config.probesPerRequest, random); probes > 0; probes--) this.#probe(input.now);
    pool.expire(input.now);
    const hotLoad = window.quantile(config.hotQuantile);
    this.#tried = input.tried;
    let probe = pool.best(hotLoad, this.#untried);
    // The paper sends to anybody when the pool runs low; here another probe costs next to nothing.
    for (let more = MAX_MORE_PROBES; probe < 0 && more > 0; more--) {
      this.#probe(input.now);
      probe = pool.best(hotLoad, this.#untried);
    }
    if (probe < 0) return all.pick(input);
    const place = pool.placeOf(probe);
    pool.use(probe, 1 / (weights[place] ?? 1));
    for (let drops = REMOVALS_PER_REQUEST; drops > 0; drops--) pool.drop(hotLoad);
    return this.#picks[place] ?? noTargets;
  }

  #probe(now: number): void {
    const { draw, known, knowledge, state, random, weights } = this.#parts;
    const place = draw.draw();
    const of = known[place];
    const target = this.#targets[place];
    if (of === undefined || target === undefined) return;
    const inFlight = target.inFlight();
    const load = knowledge.load(of, inFlight, now) / (weights[place] ?? 1);
    const latencyMs = knowledge.latencyMs(of, inFlight, now);
    state.window.add(load);
    state.pool.add(place, now, load, latencyMs, rounded(this.#uses, random));
  }
}

/** The paper's b_reuse: as many uses a probe as keep the pool from running dry, of the size that it has. */
function usesOf({ poolSize, probesPerRequest }: PrequalConfig, count: number): number {
  const net = (1 - poolSize / count) * probesPerRequest - REMOVALS_PER_REQUEST;
  // In a fleet little larger than the pool most probes only replace others, and nothing is left after the removals.
  return net <= 0 ? poolSize : Math.min(poolSize, Math.max(1, (1 + SPARE_USES) / net));
}

/** A whole number that is `rate` in the mean. */
function rounded(rate: number, random: Random): number {
  const whole = Math.floor(rate);
  return rate > whole && random() < rate - whole ? whole + 1 : whole;
}
