// Says what demand will be at its highest within a horizon, and whether to believe that: several models, one guard.
// Pure: time and demand come in. It never lowers anything; what is done with a forecast is its caller's business.
import { Mean, Persistence, Seasonal, Trend } from './models.ts';
import { Score, type ScoreState } from './score.ts';

export interface ForecastSettings {
  /** What repeats itself, milliseconds: a day, a week. */
  readonly seasonMs: number;
  /** Demand is told apart by this much time; a season has at most `MOST_STEPS` of them. */
  readonly stepMs: number;
  /** How far ahead it looks: what a pod takes to come, and some more. */
  readonly horizonMs: number;
  /** A model whose error (WAPE) was above this lately is not believed; 0.2 is a fifth. */
  readonly maxError: number;
}

export interface Forecast {
  /** The highest demand from now to the horizon, by the best model; undefined while none knows. */
  readonly demand: number | undefined;
  readonly model: string;
  /** WAPE of that model; infinite while it has not been compared. */
  readonly error: number;
  /** How much of the squared error of the best simple guess the model takes away: 1 is all of it, below 0 it adds some. */
  readonly skill: number;
  /** Whether anybody should act on it. */
  readonly trusted: boolean;
  /** A clause that says why, or why not. */
  readonly reason: string;
}

/** All that a forecaster knows, as plain data, to go on with after a restart. */
export interface ForecastState {
  readonly seasonMs: number;
  readonly stepMs: number;
  readonly horizonMs: number;
  /** Of each model and each guess, in order. */
  readonly scores: readonly ScoreState[];
}

export const MOST_STEPS = 20_160;
/** A model has to beat "it stays as it is" and "it goes back to its mean" by this much. */
const LEAST_SKILL = 0.3;
const MEAN_HALF_LIVES = 24;

export class Forecaster {
  readonly #settings: ForecastSettings;
  readonly #ahead: number;
  readonly #season: number;
  readonly #models: readonly Score[];
  /** What needs no model; the forecast has to be better than these. */
  readonly #guesses: readonly Score[];
  #step = Number.NEGATIVE_INFINITY;
  #highest = 0;

  constructor(settings: ForecastSettings) {
    this.#settings = settings;
    this.#season = Math.max(2, Math.min(MOST_STEPS, Math.round(settings.seasonMs / settings.stepMs)));
    this.#ahead = Math.max(1, Math.ceil(settings.horizonMs / settings.stepMs));
    const score = (model: Seasonal | Trend | Persistence | Mean): Score => new Score(model, this.#ahead, this.#season);
    this.#models = [score(new Seasonal(this.#season)), score(new Trend())];
    this.#guesses = [score(new Persistence()), score(new Mean(this.#season / MEAN_HALF_LIVES))];
  }

  /** Demand at `now`, monotonic or wall milliseconds; of several within a step the highest counts. */
  observe(now: number, demand: number): void {
    const step = Math.floor(now / this.#settings.stepMs);
    if (step < this.#step) return;
    if (step > this.#step) {
      if (Number.isFinite(this.#step)) this.#tell(this.#step, this.#highest);
      this.#step = step;
      this.#highest = 0;
    }
    this.#highest = Math.max(this.#highest, demand);
  }

  forecast(now: number): Forecast {
    const [best] = this.#models.toSorted((a, b) => a.squares - b.squares);
    if (best === undefined || best.count === 0) return NOTHING;
    const from = Math.floor(now / this.#settings.stepMs);
    let demand: number | undefined;
    for (let step = from; step <= from + this.#ahead; step++) {
      const value = best.model.at(step);
      if (value !== undefined && (demand === undefined || value > demand)) demand = value;
    }
    const guess = Math.min(...this.#guesses.map(({ squares }) => squares));
    const skill = guess > 0 ? 1 - best.squares / guess : 0;
    const known = { demand, model: best.model.name, error: best.error, skill };
    const doubt = this.#doubt(best, skill);
    return {
      ...known,
      trusted: doubt === undefined && demand !== undefined,
      reason: doubt ?? `${percent(best.error)} off lately`,
    };
  }

  state(): ForecastState {
    const { seasonMs, stepMs, horizonMs } = this.#settings;
    return { seasonMs, stepMs, horizonMs, scores: this.#scores.map((score) => score.state()) };
  }

  /** Goes on where another stopped; what was learned by other settings is of no use, and left alone. */
  restore(state: ForecastState): boolean {
    const { seasonMs, stepMs, horizonMs } = this.#settings;
    const same = state.seasonMs === seasonMs && state.stepMs === stepMs && state.horizonMs === horizonMs;
    if (!same || state.scores.length !== this.#scores.length) return false;
    return this.#scores.every((score, i) => score.restore(state.scores[i] as ScoreState));
  }

  get #scores(): readonly Score[] {
    return [...this.#models, ...this.#guesses];
  }

  #doubt({ count, error }: Score, skill: number): string | undefined {
    if (count < this.#season) return `it has been compared with ${count} of ${this.#season} steps of a season`;
    if (error > this.#settings.maxError) {
      return `it was ${percent(error)} off lately, more than ${percent(this.#settings.maxError)}`;
    }
    if (skill < LEAST_SKILL) return 'there is no pattern in demand that would tell more than its present value';
    return undefined;
  }

  #tell(step: number, demand: number): void {
    for (const score of this.#scores) score.observe(step, demand);
  }
}

const NOTHING: Forecast = {
  demand: undefined,
  model: '',
  error: Number.POSITIVE_INFINITY,
  skill: 0,
  trusted: false,
  reason: 'nothing has been forecast yet',
};

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
