// least_request: the target with the fewest requests in flight for its weight, among a few drawn ones or among all.
// Reads in-flight counts from the targets, which count over every worker; keeps none of its own.
import type { Balancer, Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { noTargets, type Policy, picksOf } from '../policy.ts';
import { SmoothWheel } from '../smooth-wheel.ts';
import { WeightedDraw } from '../weighted-draw.ts';
import { type LeastRequestConfig, parseLeastRequest } from './config.ts';

export const leastRequest: Policy<LeastRequestConfig> = {
  type: 'least_request',
  promises: { weights: true, sticky: false },
  parse: parseLeastRequest,
  create: (config, { random }) => new LeastRequestBalancer(config.choices, random),
};

/**
 * Up to this many targets a choice, looking at all of them is cheaper than drawing, and it never misses the best:
 * with one slow target of three it sends that one a sixth fewer requests than two draws do.
 */
const SCAN_FACTOR = 4;

class LeastRequestBalancer<T extends Target> implements Balancer<T> {
  readonly #choices: number;
  readonly #random: Random;
  #wheel: SmoothWheel<T> | undefined;

  constructor(choices: number, random: Random) {
    this.#choices = choices;
    this.#random = random;
  }

  update(targets: readonly T[]): Picker<T> {
    this.#wheel = new SmoothWheel(targets, this.#wheel);
    const scan = new ScanPicker(targets, this.#wheel);
    if (this.#choices === 0 || targets.length <= SCAN_FACTOR * this.#choices) return scan;
    return new DrawPicker(targets, this.#choices, new WeightedDraw(targets, this.#random), scan);
  }
}

/** Compares every target; those that tie take turns by weight. */
class ScanPicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #wheel: SmoothWheel<T>;
  readonly #loads: Float64Array;
  readonly #ties: Uint8Array;

  constructor(targets: readonly T[], wheel: SmoothWheel<T>) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#wheel = wheel;
    this.#loads = new Float64Array(targets.length);
    this.#ties = new Uint8Array(targets.length);
  }

  pick({ tried }: PickInput): Pick<T> {
    const loads = this.#loads;
    const ties = this.#ties;
    let fewest = Number.POSITIVE_INFINITY;
    for (let place = 0; place < loads.length; place++) {
      // Each count is read once: other workers move it on while we look.
      const load = loadOf(this.#targets[place], tried);
      loads[place] = load;
      if (load < fewest) fewest = load;
    }
    for (let place = 0; place < loads.length; place++) ties[place] = loads[place] === fewest ? 1 : 0;
    return this.#picks[this.#wheel.turn(ties)] ?? noTargets;
  }
}

/** Draws by weight and keeps the least loaded; the first draw wins a tie, so an idle fleet is shared by weight. */
class DrawPicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #choices: number;
  readonly #draw: WeightedDraw;
  readonly #scan: Picker<T>;

  constructor(targets: readonly T[], choices: number, draw: WeightedDraw, scan: Picker<T>) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#choices = choices;
    this.#draw = draw;
    this.#scan = scan;
  }

  pick(input: PickInput): Pick<T> {
    let best = this.#draw.draw();
    let load = loadOf(this.#targets[best], input.tried);
    for (let choice = 1; choice < this.#choices; choice++) {
      const place = this.#draw.drawOther(best);
      const other = loadOf(this.#targets[place], input.tried);
      if (other < load) {
        best = place;
        load = other;
      }
    }
    // Every draw hit a target that was tried: rare, and only on a retry, so the full scan may cost more.
    if (load === Number.POSITIVE_INFINITY) return this.#scan.pick(input);
    return this.#picks[best] ?? noTargets;
  }
}

/** Load for its weight; infinite for a target that was tried, so that it wins only when all were. */
function loadOf(target: Target | undefined, tried: readonly Target[]): number {
  if (target === undefined || (tried.length > 0 && tried.includes(target))) return Number.POSITIVE_INFINITY;
  return target.inFlight() / target.weight;
}
